"""The workers of a run: one pool for its items, one for scoring what they give."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from valle_engine.errors import JobError, Problem
from valle_engine.executors.inline import InlinePool
from valle_engine.scoring.recipe import keep_stamp, panel_spec, scoring_recipe
from valle_engine.scoring.stage import Stage
from valle_engine.scoring.worker import ScoreWorker
from valle_engine.worker import Worker, WorkerSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valle_engine.executors.pool import Pool
    from valle_engine.job.loading import Job
    from valle_engine.store.store import Store

MARKS = "marks"
"""Folder of the workers' marks, inside the state folder."""
SCORING_MARKS = "scoring-marks"
RAY_SETTINGS = {
    # Without it, Ray joins a cluster at a given address without its token.
    "RAY_AUTH_MODE": "token",
    # Without it, Ray prints its daemons' words on the standard output, which belongs to --json.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
"""What Ray reads from the environment when it is imported; what the operator has set stands."""


@contextmanager
def opened_pools(job: Job, store: Store) -> Iterator[tuple[Pool, Stage | None]]:
    """The pool of a job's workers, and the stage where its takes are scored, if it has scorers.

    Raises `JobError` when the workers asked for do not fit the cluster, before any is started.
    """
    with ExitStack() as stack:
        opened = _ray_pools if job.spec.workers.executor == "ray" else _inline_pools
        pool, scoring = opened(job, store, stack)
        yield pool, _stage(job, store, scoring) if scoring else None


def worker_spec(job: Job) -> WorkerSpec:
    """What the workers of a job must know."""
    return WorkerSpec(
        task=job.task.name,
        options=job.task.model_dump(mode="json"),
        seed=job.spec.seed,
        slots=job.spec.workers.slots,
        format=job.spec.output.format,
        takes=bool(job.spec.accept),
        model=job.model.spec if job.model and job.task.needs_model else None,
        sampling=tuple((sampler.name, sampler.model_dump(mode="json")) for sampler in job.samplers),
        codec=(job.codec.name, job.codec.model_dump(mode="json")) if job.codec else None,
    )


def _inline_pools(job: Job, store: Store, stack: ExitStack) -> tuple[Pool, Pool | None]:
    pool = stack.enter_context(closing(InlinePool(partial(Worker, worker_spec(job), store.outputs))))
    if not job.scorers:
        return pool, None
    scoring = InlinePool(partial(ScoreWorker, panel_spec(job), store.outputs))
    return pool, stack.enter_context(closing(scoring))


def _ray_pools(job: Job, store: Store, stack: ExitStack) -> tuple[Pool, Pool | None]:
    ray = _ray()
    workers, scoring = job.spec.workers, job.spec.scoring
    stack.enter_context(ray.session(workers.address))
    machines, crew = ray.machines(), None
    if job.scorers:
        crew = ray.crew_for(scoring, machines, "scoring")
        machines = ray.left_by(crew, machines)
    make = partial(Worker, worker_spec(job), store.outputs)
    pool = ray.RayPool(make, ray.crew_for(workers, machines, "workers"), store.state / MARKS)
    stack.enter_context(closing(pool))
    if crew is None:
        return pool, None
    score = partial(ScoreWorker, panel_spec(job), store.outputs)
    return pool, stack.enter_context(closing(ray.RayPool(score, crew, store.state / SCORING_MARKS)))


def _ray() -> Any:
    for name, value in RAY_SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from valle_engine.executors import ray  # noqa: PLC0415 - only a run that asks for Ray loads it
    except ModuleNotFoundError as error:
        hint = "pip install ray, or run with --executor inline"
        raise JobError(
            [Problem(f"the executor 'ray' needs a module: {error}", path="workers.executor", hint=hint)]
        ) from error
    return ray


def _stage(job: Job, store: Store, pool: Pool) -> Stage:
    recipe, spec = scoring_recipe(job.scoring, job.origins), panel_spec(job)
    return Stage(
        pool,
        job.spec.limits,
        job.spec.scoring.batch,
        job.spec.workers.start_seconds,
        lambda about: keep_stamp(store.state, recipe, spec, about),
    )
