"""The whole extension surface.

A noun hook gives: it returns classes ("parts", see `valle_engine.parts`). A past-tense hook is told, on the driver, and
returns nothing. A plugin is a module behind an entry point of the group `valle_engine`; its functions marked with
`@valle_engine.hookimpl` are its hooks. `VALLE_API = "1.0"` in that module says which version of this page it was built
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valle_engine.parts import Codec, Model, Normaliser, Product, Sampler, Scorer, Source, Task, Transcriber
    from valle_engine.records import Outcome, RunInfo, Summary

API_VERSION = "1.0"
GROUP = "valle_engine"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def tasks() -> Iterable[type[Task]]:  # type: ignore[empty-body]
    """Tasks that a job may name."""


@hookspec
def samplers() -> Iterable[type[Sampler]]:  # type: ignore[empty-body]
    """Samplers that a job may name."""


@hookspec
def codecs() -> Iterable[type[Codec]]:  # type: ignore[empty-body]
    """Codecs that a model may name."""


@hookspec
def models() -> Iterable[type[Model]]:  # type: ignore[empty-body]
    """Models that a job may name."""


@hookspec
def scorers() -> Iterable[type[Scorer]]:  # type: ignore[empty-body]
    """Scorers that a job may name."""


@hookspec
def transcribers() -> Iterable[type[Transcriber]]:  # type: ignore[empty-body]
    """Transcribers that scorers may hear through."""


@hookspec
def normalisers() -> Iterable[type[Normaliser]]:  # type: ignore[empty-body]
    """Normalisers of what scorers compare."""


@hookspec
def sources() -> Iterable[type[Source]]:  # type: ignore[empty-body]
    """Sources that a job's items may come from."""


@hookspec
def products() -> Iterable[type[Product]]:  # type: ignore[empty-body]
    """Products that a job may ask for."""


@hookspec
def run_started(run: RunInfo) -> None:
    """Told before the first item is given out."""


@hookspec
def item_finished(run: RunInfo, outcome: Outcome) -> None:
    """Told when an outcome is in the ledger, in the order of arrival."""


@hookspec
def run_finished(run: RunInfo, summary: Summary) -> None:
    """Told when a run has ended, however it ended."""
