"""One run of a job: pending items -> executor -> store -> scorers -> gate -> products. No torch and no ray here."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import DiskFull, RunAborted, ValleError
from valle_engine.executors.dispatch import Dispatcher
from valle_engine.executors.driver import drive
from valle_engine.executors.interrupts import Interrupted, Interrupts
from valle_engine.plan import make_plan
from valle_engine.pools import opened_pools
from valle_engine.recording import RunRecorder
from valle_engine.records import RunInfo, Summary
from valle_engine.scoring.of_run import results_made
from valle_engine.store.places import is_url, label_of, state_folder
from valle_engine.store.readers import LedgerRun, Ledgers
from valle_engine.store.store import open_store, start_over
from valle_engine.worker import output_name

if TYPE_CHECKING:
    from valle_engine.job.loading import Job
    from valle_engine.plan import Plan
    from valle_engine.plugins import Plugins
    from valle_engine.recording import Watcher
    from valle_engine.store.ledger import LedgerReader
    from valle_engine.store.outputs import OutputFolder
    from valle_engine.store.store import Store

NOT_ALL_DONE, ABORTED = 2, 3


@dataclass(slots=True)
class End:
    """How the working part of a run came to its end."""

    stopped: str = ""
    exit_code: int = 0


def run_job(job: Job, plugins: Plugins, watcher: Watcher, *, fresh: bool = False) -> Summary:
    """Do what is pending of a job, to the end or to the reason why not.

    `fresh` sets the ledger aside and begins anew. Raises `JobError` and `StoreError` before any work has started; what
    happens later is told by the summary.
    """
    began = time.monotonic()
    if fresh:
        start_over(job.folder, job.state, job.shard)
    with open_store(job.folder, job.state, job.shard) as store:
        plan = plan_of(job, store.ledger, store.outputs)
        pending = sum(plan.to_do.values())
        run = RunInfo(job.name, job.task.name, job.folder, plan.items, pending)
        _arrange(store, plan)
        store.begin_run(plan.recipe_digest, plan.recipe, plan.items, pending)
        watcher.started(run)
        plugins.tell("run_started", run=run)
        recorder = RunRecorder(job, plugins, store, run, watcher)
        # Until here a signal ends the process at once; from here on it asks for an orderly end.
        with Interrupts() as interrupts:
            end = _work(job, plan, store, recorder, interrupts) if pending else End()
            summary = _close(store, recorder, end, time.monotonic() - began)
            if not end.stopped:
                summary = _finished(job, store, summary, interrupts)
        plugins.tell("run_finished", run=run, summary=summary)
        watcher.ended(summary)
    return summary


def plan_of(job: Job, ledger: LedgerReader, outputs: OutputFolder) -> Plan:
    """Check a job's items and decide about each against a ledger and the output files. Raises `JobError`."""

    def exists(item_id: str) -> bool:
        path = outputs.local(output_name(item_id, job.spec.output.format))
        return path is not None and path.exists()

    return make_plan(
        job, ledger.lookup, outputs.checker(), exists=exists if outputs.has_outputs() else None, tried=ledger.charges()
    )


def _arrange(store: Store, plan: Plan) -> None:
    """Bring the ledger up to date with a manifest that is not what it was: its order, and what determines nothing."""
    if plan.moved or plan.known != sum(store.ledger.counts().values()):
        store.ledger.arrange(plan.places())
    if plan.restated:
        store.ledger.restate((order.id, order.fields, order.mark) for order in plan.restatements())


def _work(job: Job, plan: Plan, store: Store, recorder: RunRecorder, interrupts: Interrupts) -> End:
    try:
        with opened_pools(job, store) as (pool, recorder.stage):
            # Ray takes SIGTERM for itself when it starts.
            interrupts.install()
            workers, limits = job.spec.workers, job.spec.limits
            dispatcher = Dispatcher(limits, pool.places, workers.slots, workers.start_seconds, recorder.charges())
            orders = recorder.remembered(plan.pending())
            drive(pool, dispatcher, orders, recorder, interrupts, grace_seconds=limits.grace_seconds)
            recorder.flush()
    except (RunAborted, DiskFull) as error:
        return _aborted(recorder, str(error))
    if interrupts.count:
        return End(interrupts.reason, interrupts.exit_code)
    return End()


def _aborted(recorder: RunRecorder, reason: str) -> End:
    try:
        recorder.flush()
    except DiskFull as error:
        reason = str(error)
    return End(reason, ABORTED)


def _finished(job: Job, store: Store, summary: Summary, interrupts: Interrupts) -> Summary:
    """Make what the job asks for; a signal ends that, and the next run begins it anew."""
    try:
        with interrupts.raising():
            return _make_products(job, store, summary)
    except Interrupted:
        return replace(summary, stopped=interrupts.reason, exit_code=interrupts.exit_code)


def _make_products(job: Job, store: Store, summary: Summary) -> Summary:
    """Make what the job asks for of all outcomes; behind a URL it is made beside the ledger.

    A product that cannot be made is told, and keeps no other from being made.
    """
    folder = Path(store.outputs.address) if not is_url(store.outputs.spec) else store.state
    made: list[str] = []
    problems: list[str] = []
    with Ledgers(state_folder(job.folder, job.state, label_of(job.shard))) as ledgers:
        if job.scorers:
            problems += results_made(job, ledgers, store.state, folder)
        for product in job.products:
            try:
                made.append(str(product.make(LedgerRun(ledgers, folder, job.name))))
            except ValleError as error:
                problems.append(f"product {product.name!r}: {error}")
            except Exception as error:  # noqa: BLE001 - a product is a plugin; what it raises must not hide the work done
                problems.append(f"product {product.name!r}: {type(error).__name__}: {error}")
    code = summary.exit_code or (NOT_ALL_DONE if problems else 0)
    return replace(summary, products=tuple(made), problems=tuple(problems), exit_code=code)


def _close(store: Store, recorder: RunRecorder, end: End, wall_seconds: float) -> Summary:
    counts = store.ledger.counts()
    all_counts = {state: counts.get(state, 0) for state in ("done", "failed", "rejected", "quarantined")}
    pending = recorder.run.items - sum(all_counts.values())
    exit_code = end.exit_code
    if not exit_code and all_counts["done"] < recorder.run.items:
        exit_code = NOT_ALL_DONE
    store.end_run(end.stopped)
    return Summary(
        items=recorder.run.items,
        worked=recorder.settled,
        counts={**all_counts, "pending": pending},
        audio_seconds=recorder.audio_seconds,
        wall_seconds=wall_seconds,
        stopped=end.stopped,
        exit_code=exit_code,
    )
