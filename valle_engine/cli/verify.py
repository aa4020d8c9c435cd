"""`valle verify`: compare ledger, manifest and files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.report.text import one_line
from valle_engine.store.audit import audit
from valle_engine.store.named import named_run, wanted_items
from valle_engine.store.store import accept_loss

if TYPE_CHECKING:
    import argparse

    from valle_engine.store.audit import Audit

SHOWN = 20
"""Findings that are printed; JSON has more."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("verify", help="compare ledger, manifest and files")
    parser.add_argument("run", help="an output folder; or a job file, to compare with its manifest as well")
    parser.add_argument("--quick", action="store_true", help="compare the lengths of files, do not read them")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="first take ledgers as they are whose write-ahead log is lost; items without a row are then done again",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Audit a run; 0 when it is clean, 2 when not."""
    named = named_run(arguments.run)
    if arguments.repair:
        accept_loss(named.state)
    manifest = ((each.id, each.fingerprint) for each in wanted_items(named.job)) if named.job else None
    with named.ledgers() as ledgers:
        found = audit(ledgers, named.outputs, manifest, quick=arguments.quick)
        working = [f"at work meanwhile: {holder}" for holder in ledgers.holders().values()]
    if arguments.json:
        print(orjson.dumps({**asdict(found), "clean": found.clean}, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join([*_lines(found), *working]))
    return 0 if found.clean else 2


def _lines(found: Audit) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found.counts.items())) or "no rows"
    of_manifest = "" if found.items is None else f" of {found.items} items"
    lines = [f"{counts}{of_manifest}; {found.files} files, {found.bytes:,} bytes"]
    lines += [
        f"{finding.kind}: {one_line(finding.thing)} {one_line(finding.message)}" for finding in found.findings[:SHOWN]
    ]
    more = sum(found.found.values()) - SHOWN
    if more > 0:
        lines.append(f"… and {more} more: " + ", ".join(f"{count} {kind}" for kind, count in found.found.items()))
    return [*lines, "clean" if found.clean else "not clean"]
