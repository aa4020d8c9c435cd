"""The results of a job's run, made of its ledgers when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valle_engine.errors import ValleError
from valle_engine.scoring.recipe import digest_of, read_stamps, scoring_recipe, told_of
from valle_engine.scoring.results import Facts, Options, write_results

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.job.loading import Job
    from valle_engine.store.readers import Ledgers


def results_made(job: Job, ledgers: Ledgers, state: Path, folder: Path) -> list[str]:
    """Write the results of a job into a folder; returns what kept them from being made, in words."""
    recipe = scoring_recipe(job.scoring, job.origins)
    digest = digest_of(recipe)
    stamp = read_stamps(state).get(digest, {**recipe, "about": []})
    facts = Facts(job.name, ledgers.items(), recipes_of(ledgers), told_of(stamp), digest)
    settings = job.spec.scoring
    try:
        options = Options(settings.by, settings.resamples, job.spec.seed)
        write_results(folder, ledgers.outcomes(), job.scoring, facts, options)
    except (ValleError, OSError, ValueError) as error:
        return [f"results: {error}"]
    return []


def recipes_of(ledgers: Ledgers) -> list[dict[str, object]]:
    """How the outputs were made, as the last run of each shard knew it; equal ones once."""
    digests = [runs[-1].recipe for reader in ledgers.readers.values() if (runs := reader.runs())]
    found = (ledgers.recipe(digest) for digest in dict.fromkeys(digests))
    return [dict(recipe) for recipe in found if recipe]
