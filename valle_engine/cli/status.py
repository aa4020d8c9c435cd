"""`valle status`: where a job stands."""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.report.text import duration, one_line
from valle_engine.store.ledger import UNSETTLED
from valle_engine.store.named import named_run

if TYPE_CHECKING:
    import argparse

    from valle_engine.store.readers import Ledgers

FAILURES = 5
"""Items that did not work out that are shown; `valle export` gives all."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("status", help="say where a job stands")
    parser.add_argument("run", help="an output folder, or a job file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the status; 0 when every item is done, 2 when not."""
    with named_run(arguments.run).ledgers() as ledgers:
        facts = _facts(ledgers)
    if arguments.json:
        print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(_lines(facts)))
    return 0 if facts["counts"].get("done", 0) == facts["items"] else 2


def _facts(ledgers: Ledgers) -> dict[str, Any]:
    counts, items, holders = ledgers.counts(), ledgers.items(), ledgers.holders()
    failures = [
        {"id": row.outcome.id, "state": state, "failure": asdict(row.outcome.failure) if row.outcome.failure else None}
        for state in UNSETTLED
        for row in islice(ledgers.outcomes(state), FAILURES)
    ]
    runs = {label: asdict(runs[-1]) for label, reader in ledgers.readers.items() if (runs := reader.runs())}
    return {
        "folder": ledgers.folder,
        "state": str(ledgers.state.absolute()),
        "items": items,
        "counts": dict(counts),
        "pending": max(0, items - sum(counts.values())),
        "unlisted": sum(reader.unlisted() for reader in ledgers.readers.values()),
        "audio_seconds": ledgers.audio_seconds(),
        "working": {label: asdict(found) for label, found in holders.items()},
        "lost_logs": [str(path) for path in ledgers.lost_logs],
        "runs": runs,
        "failures": failures,
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(facts["counts"].items())) or "nothing settled"
    lines = [
        f"{facts['folder']}: {facts['items']} items: {counts}, {facts['pending']} pending",
        f"  {duration(facts['audio_seconds'])} of audio",
    ]
    if facts["unlisted"]:
        lines.append(f"  {facts['unlisted']} more are settled that the manifest does not list any more")
    lines += [f"  the write-ahead log of {path} is missing: see `valle verify`" for path in facts["lost_logs"]]
    for label, last in facts["runs"].items():
        name = "last run" if label == "all" else f"last run of shard {label}"
        lines.append(f"  {name}: {_run_words(last, working=label in facts['working'])}")
    lines += [
        f"  {failure['id']} {failure['state']}: {_failure_words(failure['failure'])}" for failure in facts["failures"]
    ]
    return lines


def _run_words(last: dict[str, Any], *, working: bool) -> str:
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last["started"]))
    if working:
        return f"at work since {began} (process {last['pid']} on {one_line(last['host'])})"
    if last["ended"] is None:
        return f"began {began} and was killed; run the job again to go on"
    took = duration(max(0.0, last["ended"] - last["started"]))
    stopped = f", stopped: {one_line(last['stopped'])}" if last["stopped"] else ""
    return f"began {began}, took {took}{stopped}"


def _failure_words(failure: dict[str, Any] | None) -> str:
    return one_line(f"{failure['kind']}: {failure['message']}") if failure else "no reason kept"
