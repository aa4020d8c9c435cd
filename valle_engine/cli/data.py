"""`valle data`: prepare a corpus to train on, and say what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import CheckpointError, JobError, Problem
from valle_engine.job.loading import Choice, Job, load_job
from valle_engine.modelspec import DEFAULT_MODEL
from valle_engine.plugins import Plugins, load_plugins
from valle_engine.training.packing import Index, index_path

if TYPE_CHECKING:
    import argparse

TASK = "prepare"
PRODUCT = "shards"
NOTHING_DONE = 3


def add_parser(verbs: Any) -> None:
    """Add the verb and its two actions."""
    parser = verbs.add_parser("data", help="prepare a corpus to train on")
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    prepare = actions.add_parser("prepare", help="do a job of the task `prepare`, and make shards of its examples")
    prepare.add_argument("job", type=Path, help="the job file")
    prepare.add_argument("--executor", choices=["inline", "ray"], help="instead of the job's workers.executor")
    prepare.add_argument("--address", help="a running Ray cluster to join, instead of the job's workers.address")
    prepare.add_argument("--limit", type=int, help="only the first items of the manifest")
    prepare.add_argument("--start-over", action="store_true", help="set the ledger aside and prepare everything again")
    stats = actions.add_parser("stats", help="say what a prepared corpus holds")
    stats.add_argument("folder", type=Path, help="the output folder of the job, or the folder of its shards")
    for each in (prepare, stats):
        each.add_argument(
            "--vocabulary",
            metavar="NAME",
            help=f"a model or a tokenizer.json that should know the phonemes (default: {DEFAULT_MODEL})",
        )
        each.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do one action. Raises `JobError`, `StoreError`; `CheckpointError` for a vocabulary that is not here."""
    return ACTIONS[arguments.action](arguments)


def _prepare(arguments: argparse.Namespace) -> int:
    from valle_engine.engine import run_job  # noqa: PLC0415 - statistics need no engine
    from valle_engine.report.watch import watcher_for  # noqa: PLC0415 - same

    plugins = load_plugins()
    job = _job(arguments, plugins)
    summary = run_job(job, plugins, watcher_for(json=arguments.json), fresh=arguments.start_over)
    if summary.exit_code < NOTHING_DONE:
        _tell(arguments, Path(job.folder), plugins)
    return summary.exit_code


def _stats(arguments: argparse.Namespace) -> int:
    _tell(arguments, arguments.folder, load_plugins())
    return 0


ACTIONS = {"prepare": _prepare, "stats": _stats}


def _job(arguments: argparse.Namespace, plugins: Plugins) -> Job:
    """The job, with the product that makes shards, whether it names it or not."""
    given = {"workers.executor": arguments.executor, "workers.address": arguments.address}
    settings = {path: value for path, value in given.items() if value is not None}
    job = load_job(arguments.job, plugins, Choice(settings, arguments.limit))
    if job.task.name != TASK:
        hint = f"`task: {TASK}` prepares a corpus; `valle run` does any job"
        raise JobError([Problem(f"the task is {job.task.name!r}", str(arguments.job), path="task", hint=hint)])
    if PRODUCT in {product.name for product in job.products}:
        return job
    settings["output.products"] = [*job.spec.output.products, PRODUCT]
    return load_job(arguments.job, plugins, Choice(settings, arguments.limit))


def _tell(arguments: argparse.Namespace, folder: Path, plugins: Plugins) -> None:
    from valle_engine.report.corpus import corpus_facts, corpus_lines  # noqa: PLC0415 - not for the parser

    index = Index.read(folder)
    vocabulary = arguments.vocabulary or DEFAULT_MODEL
    symbols = _symbols(arguments.vocabulary, plugins)
    place = index_path(folder).parent
    if arguments.json:
        print(orjson.dumps({"event": "corpus", **corpus_facts(place, index, symbols)}).decode())
    else:
        print("\n".join(corpus_lines(place, index, symbols, vocabulary)))


def _symbols(named: str | None, plugins: Plugins) -> frozenset[str] | None:
    """The symbols of a vocabulary; None for the default's when that is not here."""
    from valle_engine.training.vocabulary import symbols_of  # noqa: PLC0415 - not for the parser

    if named is not None:
        return symbols_of(named, plugins.models)
    try:
        return symbols_of(DEFAULT_MODEL, plugins.models)
    except CheckpointError:
        return None
