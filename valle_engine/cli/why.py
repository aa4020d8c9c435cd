"""`valle why`: what became of an item, and why it will or will not be done again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from valle_engine.job.differences import differences
from valle_engine.job.fingerprints import FileDigests, recipe
from valle_engine.report.text import duration, one_line
from valle_engine.store.named import named_run, wanted_item

if TYPE_CHECKING:
    import argparse

    from valle_engine.job.loading import Job
    from valle_engine.store.named import NamedRun, Wanted
    from valle_engine.store.readers import Ledgers
    from valle_engine.store.rows import LedgerRow


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("why", help="say why an item will or will not be done again")
    parser.add_argument("run", help="an output folder; or a job file, to compare the item with what the job asks now")
    parser.add_argument("id", help="the item")


def run(arguments: argparse.Namespace) -> int:
    """Explain one item; 0 when it is done and stays so, 2 when not."""
    named = named_run(arguments.run)
    with named.ledgers() as ledgers:
        row = ledgers.entry(arguments.id)
        verdict, good = _verdict(named, ledgers, row, arguments.id)
    for line in [*(_history(row) if row else []), verdict]:
        print(line)
    return 0 if good else 2


def _verdict(named: NamedRun, ledgers: Ledgers, row: LedgerRow | None, item: str) -> tuple[str, bool]:
    """The sentence that answers the question, and whether the item is done for good."""
    name = one_line(item)
    wanted = None
    if named.job is not None:
        wanted = wanted_item(named.job, item)
        if wanted is None:
            return f"{name} is not in the manifest of {named.job.name}", False
    if row is None:
        return f"{name} will be done: the ledger has no row of it", False
    if wanted and named.job and wanted.fingerprint != row.outcome.fingerprint:
        return f"{name} will be done again: {_changes(named.job, ledgers, row, wanted)}", False
    return _settled(named, row, name)


def _settled(named: NamedRun, row: LedgerRow, name: str) -> tuple[str, bool]:
    file = row.outcome.file
    wrong = named.outputs.check(file) if file else None
    if row.outcome.state == "done" and wrong:
        return f"{name} will be done again: {one_line(wrong)}", False
    if row.outcome.state != "done":
        return f"{name} will not be done again by `valle run`; `valle retry` makes it pending", False
    known = "nothing that determines it has changed" if named.job else "name the job file to compare it with the job"
    return f"{name} will not be done again: it is done and its output is there; {known}", True


def _changes(job: Job, ledgers: Ledgers, row: LedgerRow, wanted: Wanted) -> str:
    found = differences(
        ledgers.recipe(row.recipe) or {}, row.fields, recipe(job, FileDigests()), wanted.fields, list(wanted.fields)
    )
    return "; ".join(one_line(change) for change in found) or "what determines it has changed"


def _history(row: LedgerRow) -> list[str]:
    outcome = row.outcome
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.when))
    where = f" by {one_line(outcome.worker)}" if outcome.worker else ""
    lines = [f"{one_line(outcome.id)} {outcome.state} {when}{where}, took {duration(outcome.seconds)}, run {row.run}"]
    if outcome.file:
        lines.append(f"  file {one_line(outcome.file.path)}, {outcome.file.bytes} bytes, sha256 {outcome.file.sha256}")
    if outcome.crashes or outcome.errors:
        lines.append(f"  charged with {outcome.crashes} crashes and {outcome.errors} errors")
    lines += [f"  {name} {score:g}" for name, score in outcome.scores.items()]
    lines += [f"  take {one_line(str(dict(take)))}" for take in outcome.takes]
    if outcome.failure:
        lines.append(f"  {one_line(outcome.failure.kind)}: {one_line(outcome.failure.message, 1000)}")
        lines += [f"  | {one_line(line)}" for line in outcome.failure.detail.splitlines()]
    return lines
