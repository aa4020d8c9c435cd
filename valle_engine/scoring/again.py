"""Score a run again, by other rules or other scorers: transcripts and sound are there, nothing is generated."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from valle_engine.errors import JobError, StoreError
from valle_engine.scoring.numbers import NOTHING_STATES
from valle_engine.scoring.of_run import recipes_of
from valle_engine.scoring.panel import Panel, PanelSpec
from valle_engine.scoring.recipe import digest_of, read_stamps, scoring_recipe, spec_in
from valle_engine.scoring.results import Facts, Options, read_results, write_results
from valle_engine.scoring.worker import order_of, take_of
from valle_engine.store.places import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from valle_engine.job.scoring import Scoring
    from valle_engine.plugins import Plugins
    from valle_engine.records import Outcome
    from valle_engine.store.named import NamedRun
    from valle_engine.store.outputs import OutputFolder
    from valle_engine.store.rows import LedgerRow

SCORES = "scores"
"""Folder in an output folder with the results of scoring again, a folder each."""


class Wish(NamedTuple):
    """What is to be other than it was: a normaliser, scorers by name, the name of the results."""

    normaliser: str = ""
    scorers: Sequence[str] = ()
    name: str = ""


def score_again(named: NamedRun, wish: Wish, plugins: Plugins) -> Path:
    """Score every outcome of a run again and write the results beside its outputs; returns the JSON's path.

    Transcripts are kept where the same transcriber wrote them. Raises `StoreError` for a run that has none of what is
    needed, `JobError` for names that nothing is called.
    """
    with named.ledgers() as ledgers:
        stamps, before = read_stamps(named.state), _before(named)
        spec = _wished(_spec_of(named, stamps, before, plugins), wish, plugins)
        scoring = spec.build(plugins)
        if problems := list(scoring.problems(plugins.transcribers.names())):
            raise JobError("\n".join(f"{message} ({hint})" if hint else message for _, message, hint in problems))
        recipe = scoring_recipe(scoring, _origins(scoring, plugins))
        spec = replace(spec, digest=digest_of(recipe))
        again = _Again(Panel(spec, plugins), spec, named.outputs, _keepers(stamps, recipe))
        rows = again.rows(ledgers.outcomes())
        first = next(rows, None)
        told: dict[str, Any] = {**recipe, "about": [again.panel.about()]}
        facts = Facts(before.get("name", ""), ledgers.items(), recipes_of(ledgers), told, spec.digest)
        whole = rows if first is None else _with(first, rows)
        return write_results(_folder(named, wish, spec), whole, scoring, facts, _options(named, before))


class _Again:
    """Outcomes that stream through a panel, a batch at a time."""

    def __init__(self, panel: Panel, spec: PanelSpec, outputs: OutputFolder, keepers: Mapping[str, set[str]]) -> None:
        self.panel = panel
        self._spec = spec
        self._outputs = outputs
        self._keepers = keepers

    def rows(self, rows: Iterable[LedgerRow]) -> Iterator[LedgerRow]:
        """The same rows with the scores of this panel; what gave nothing stays as it is."""
        stream = iter(rows)
        while batch := list(islice(stream, self._spec.batch)):
            outcomes = self._scored([row for row in batch if row.outcome.state not in NOTHING_STATES])
            yield from (replace(row, outcome=outcomes.get(row.outcome.id, row.outcome)) for row in batch)

    def _scored(self, rows: Sequence[LedgerRow]) -> dict[str, Outcome]:
        with tempfile.TemporaryDirectory(prefix="valle-") as folder:
            orders = [order_of(row.fields, self._with_kept(row.outcome), self._spec.batch) for row in rows]
            sheets = self.panel.score([take_of(order, self._outputs, Path(folder)) for order in orders])
        return {
            row.outcome.id: replace(
                row.outcome,
                scores=sheet.scores,
                transcripts={**sheet.transcripts, **sheet.compared},
                scored_by=self._spec.digest,
                state="failed" if sheet.failure else row.outcome.state,
                failure=sheet.failure or row.outcome.failure,
            )
            for row, sheet in zip(rows, sheets, strict=True)
        }

    def _with_kept(self, outcome: Outcome) -> Outcome:
        """An outcome with the transcripts that the same transcribers wrote, and no others."""
        keep = self._keepers.get(outcome.scored_by, set())
        return replace(outcome, transcripts={name: text for name, text in outcome.transcripts.items() if name in keep})


def _spec_of(named: NamedRun, stamps: Mapping[str, Any], before: Mapping[str, Any], plugins: Plugins) -> PanelSpec:
    """The parts that the run was scored with, or that its job names now."""
    if named.job is not None and named.job.scorers:
        from valle_engine.scoring.recipe import panel_spec  # noqa: PLC0415 - only a job has one

        return panel_spec(named.job)
    digest = before.get("scoring", {}).get("digest", "")
    if digest in stamps or stamps:
        return spec_in(stamps.get(digest) or list(stamps.values())[-1])
    return PanelSpec((), (), ("basic", plugins.normalisers.build("basic").model_dump()))


def _wished(spec: PanelSpec, wish: Wish, plugins: Plugins) -> PanelSpec:
    """The parts with what is to be other. Raises `JobError`, `StoreError` when nothing is left to score with."""
    if wish.normaliser:
        built = plugins.normalisers.build(wish.normaliser)
        spec = replace(spec, normaliser=(built.name, built.model_dump(mode="json")))
    if wish.scorers:
        known = dict(spec.scorers)
        named = [
            (name, known.get(name) or plugins.scorers.build(name).model_dump(mode="json")) for name in wish.scorers
        ]
        spec = replace(spec, scorers=tuple(named))
    if not spec.scorers:
        raise StoreError("the run was not scored, so there is nothing to score again: name scorers with --scores")
    return spec


def _keepers(stamps: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, set[str]]:
    """The transcribers whose transcripts are kept, by the digest of the scoring that they were made in."""
    wanted = recipe["transcribers"]
    return {
        digest: {each["name"] for each in stamp["transcribers"] if each in wanted} for digest, stamp in stamps.items()
    }


def _origins(scoring: Scoring, plugins: Plugins) -> dict[str, str]:
    kinds = (
        ("scorer", plugins.scorers, scoring.scorers),
        ("transcriber", plugins.transcribers, scoring.transcribers),
        ("normaliser", plugins.normalisers, (scoring.normaliser,)),
    )
    found = {}
    for kind, registry, parts in kinds:
        for part in parts:
            offer = registry.offer(part.name)
            found[f"{kind} {part.name}"] = f"{offer.package} {offer.version}"
    return found


def _before(named: NamedRun) -> Mapping[str, Any]:
    try:
        return read_results(_home(named)).summary
    except StoreError:
        return {"name": named.job.name if named.job else Path(named.folder).name}


def _options(named: NamedRun, before: Mapping[str, Any]) -> Options:
    if named.job is not None:
        settings = named.job.spec.scoring
        return Options(settings.by, settings.resamples, named.job.spec.seed)
    kept = before.get("scoring", {})
    return Options(kept.get("by", ()), kept.get("resamples", 1000), kept.get("seed", 0))


def _folder(named: NamedRun, wish: Wish, spec: PanelSpec) -> Path:
    name = wish.name or spec.normaliser[0]
    if "/" in name or name.startswith("."):
        raise StoreError(f"{name!r} is no name for results: they get a folder of it in {SCORES}")
    return _home(named) / SCORES / name


def _home(named: NamedRun) -> Path:
    return named.state if is_url(named.folder) else Path(named.folder)


def _with(first: LedgerRow, rows: Iterator[LedgerRow]) -> Iterator[LedgerRow]:
    yield first
    yield from rows
