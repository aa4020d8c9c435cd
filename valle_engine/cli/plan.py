"""`valle plan`: say what a run would do and cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.engine import plan_of
from valle_engine.job.items import Shard
from valle_engine.job.loading import Choice, load_job
from valle_engine.plan import make_plan
from valle_engine.plugins import load_plugins
from valle_engine.report.text import duration
from valle_engine.store.ledger import LedgerReader
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.places import label_of, ledger_path

if TYPE_CHECKING:
    import argparse

    from valle_engine.job.loading import Job
    from valle_engine.plan import Plan


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("plan", help="say what a run would do and cost")
    parser.add_argument("job", type=Path, help="the job file")
    parser.add_argument("--shard", metavar="I/N", help="only the I-th of N equal parts of the manifest")
    parser.add_argument("--limit", type=int, help="only the first items of the manifest")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Plan the job; 0 when that can be done."""
    shard = Shard.parse(arguments.shard) if arguments.shard else None
    job = load_job(arguments.job, load_plugins(), Choice(limit=arguments.limit, shard=shard))
    plan, speed = _planned(job)
    figures = _figures(plan, speed)
    if arguments.json:
        print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(_lines(figures)))
    return 0


def _planned(job: Job) -> tuple[Plan, float | None]:
    """The plan, and the seconds of audio that earlier runs made in a second, where there were any."""
    path = ledger_path(job.state, label_of(job.shard))
    if not path.exists():
        return make_plan(job, lambda _ids: {}, lambda _file: None), None
    with LedgerReader(path) as ledger:
        worked = sum(run.ended - run.started for run in ledger.runs() if run.ended is not None)
        speed = ledger.audio_seconds() / worked if worked else 0.0
        return plan_of(job, ledger, OutputFolder(job.folder)), speed or None


def _figures(plan: Plan, speed: float | None) -> dict[str, Any]:
    workers = plan.job.spec.workers
    hours = plan.seconds / speed / 3600 if speed else None
    known_gpus = workers.gpus * workers.count if workers.gpus and isinstance(workers.count, int) else None
    return {
        "job": plan.job.name,
        "folder": plan.job.folder,
        "items": plan.items,
        "settled": dict(plan.settled),
        "to_do": {reason.name.lower(): count for reason, count in plan.to_do.items()},
        "why": {reason.name.lower(): reason.words for reason in plan.to_do},
        "characters": plan.characters,
        "audio_hours": plan.seconds / 3600,
        "disk_bytes": plan.disk_bytes,
        "hours": hours,
        "gate": {name: bound.model_dump(exclude_none=True) for name, bound in plan.job.spec.accept.items()},
        "attempts": plan.job.spec.attempts,
        "gpu_hours": hours * known_gpus if hours is not None and known_gpus is not None else None,
    }


def _lines(figures: dict[str, Any]) -> list[str]:
    settled = ", ".join(f"{count:,} {state}" for state, count in figures["settled"].items())
    lines = [
        f"{figures['job']}: {figures['items']:,} items in {figures['folder']}",
        f"settled: {settled or 'none'}",
        f"to do: {sum(figures['to_do'].values()):,}",
        *(f"  {count:,} {figures['why'][reason]}" for reason, count in figures["to_do"].items()),
    ]
    if figures["gate"]:
        bounds = ", ".join(_bounds(name, bound) for name, bound in figures["gate"].items())
        lines.append(f"gate: {bounds}; attempts: {figures['attempts']}")
    if figures["characters"]:
        lines.append(f"characters: {figures['characters']:,}")
    if figures["audio_hours"]:
        lines.append(f"audio: about {duration(figures['audio_hours'] * 3600)}, {figures['disk_bytes'] / 1e6:,.1f} MB")
    if figures["hours"]:
        gpus = f", {figures['gpu_hours']:.1f} GPU hours" if figures["gpu_hours"] is not None else ""
        lines.append(f"time: about {duration(figures['hours'] * 3600)} at the speed of earlier runs{gpus}")
    return lines


def _bounds(name: str, bound: dict[str, float]) -> str:
    least = f"{bound['min']:g} ≤ " if "min" in bound else ""
    most = f" ≤ {bound['max']:g}" if "max" in bound else ""
    return f"{least}{name}{most}"
