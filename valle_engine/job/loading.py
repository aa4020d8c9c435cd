"""Load a job: one YAML file becomes one checked `Job`, or all of its problems at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from valle_engine.errors import JobError, Problem
from valle_engine.job.assembly import OWN_SECTIONS, Assembly
from valle_engine.job.census import Census
from valle_engine.job.findings import Findings
from valle_engine.job.presets import with_gate
from valle_engine.job.schema import JobFile
from valle_engine.job.yaml import read_yaml
from valle_engine.registry import problems_of
from valle_engine.store.places import STATE_FOLDER, is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.items import Manifest, Shard
    from valle_engine.job.model import JobModel
    from valle_engine.job.scoring import Scoring
    from valle_engine.job.yaml import KeyPath
    from valle_engine.parts import Codec, Product, Sampler, Scorer, Source, Task
    from valle_engine.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says beyond the job file.

    `settings` replaces values of the file by dotted path, such as {"workers.executor": "inline"}.
    """

    settings: Mapping[str, Any] | None = None
    limit: int | None = None
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A checked job, its items unread.

    `folder` is where the output goes, an absolute path or a URL; `state` is the local folder of the ledger. `origins`
    tells the package and version of each part, as {"task tts": "valle-engine 0.1.0"}.
    """

    file: Path
    spec: JobFile
    task: Task
    model: JobModel | None
    codec: Codec | None
    samplers: tuple[Sampler, ...]
    scoring: Scoring
    products: tuple[Product, ...]
    manifest: Manifest
    folder: str
    state: Path
    origins: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the job."""
        return self.spec.name

    @property
    def scorers(self) -> tuple[Scorer, ...]:
        """The scorers in the order of the file."""
        return self.scoring.scorers

    @property
    def source(self) -> Source:
        """What the items are read from."""
        return self.manifest.source

    @property
    def shard(self) -> Shard | None:
        """The part of the manifest that this run works."""
        return self.manifest.shard


@dataclass(frozen=True, slots=True)
class Draft:
    """A job file as far as it makes sense: with problems there is no job, yet its items may still be readable."""

    job: Job | None
    manifest: Manifest | None
    problems: list[Problem]


def load_job(path: Path, plugins: Plugins, choice: Choice | None = None) -> Job:
    """Load and check a job file, all but its items. Raises `JobError` with every problem."""
    draft = draft_job(path, plugins, choice)
    if draft.job is None:
        raise JobError(draft.problems)
    return draft.job


def check_job(path: Path, plugins: Plugins, choice: Choice | None = None) -> tuple[int, list[Problem]]:
    """Check a job whole: the number of good items, and everything that is wrong with the file and the items."""
    try:
        draft = draft_job(path, plugins, choice)
    except JobError as error:
        return 0, error.problems
    if draft.manifest is None:
        return 0, draft.problems
    census = Census(draft.manifest)
    try:
        count = sum(1 for _ in census.items())
    except JobError as error:
        return 0, [*draft.problems, *census.problems(), *error.problems]
    return count, [*draft.problems, *census.problems()]


def draft_job(path: Path, plugins: Plugins, choice: Choice | None = None) -> Draft:
    """Load what can be loaded of a job file. Raises `JobError` for a file that is not even YAML."""
    choice = choice or Choice()
    document = read_yaml(path)
    settings = choice.settings or {}
    findings = Findings(str(path), document, frozenset(settings))
    if choice.limit is not None and choice.limit < 1:
        findings.problems.append(Problem(f"a limit of {choice.limit} leaves nothing to do", "command line"))
    values = with_gate(_with_settings(document.values, settings), plugins)
    spec = _spec(values, findings)
    assembly = Assembly(values, findings, plugins, path.absolute().parent)
    task = assembly.task()
    samplers, scorers, products = assembly.samplers(), assembly.scorers(), assembly.products()
    model, codec = assembly.model(), assembly.codec(task)
    assembly.check_fit(task, samplers, model)
    assembly.check_gate()
    scoring = assembly.scoring(scorers)
    manifest = assembly.manifest(task, scoring, choice.limit, choice.shard)
    if spec is not None:
        folder, state = _places(spec, assembly.folder, findings)
    if findings.problems or spec is None or task is None or manifest is None:
        return Draft(None, manifest, sorted(findings.problems, key=lambda problem: problem.line or 0))
    job = Job(path, spec, task, model, codec, samplers, scoring, products, manifest, folder, state, assembly.origins)
    return Draft(job, manifest, [])


def _with_settings(values: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The job's values with those of the command line in their places; nothing given is changed.

    A section that is left empty counts as one that is not there.
    """
    merged = {name: value for name, value in values.items() if value is not None}
    for dotted, value in settings.items():
        *sections, last = dotted.split(".")
        place = merged
        for section in sections:
            inner = place.get(section)
            place[section] = dict(inner) if isinstance(inner, dict) else {}
            place = place[section]
        place[last] = value
    return merged


def _spec(values: Mapping[str, Any], findings: Findings) -> JobFile | None:
    """The job file against its schema. What an alternative expected of one value is told in one problem."""
    try:
        return JobFile.model_validate(values)
    except ValidationError as error:
        found = problems_of(error, JobFile, "job")
    grouped: dict[KeyPath, list[Problem]] = {}
    for problem in found:
        grouped.setdefault(_within(values, problem.path), []).append(problem)
    for path, same in grouped.items():
        if path[0] not in OWN_SECTIONS or path[0] not in values:
            findings.add(path, " or ".join(dict.fromkeys(problem.message for problem in same)), same[0].hint)
    return None


def _within(values: Any, dotted: str) -> KeyPath:
    """The path as far as it leads through the job's values: beyond them it names the schema's alternatives."""
    path: list[str | int] = []
    for step in dotted.split("."):
        if isinstance(values, dict):
            path.append(step)
            values = values.get(step)
        elif isinstance(values, list) and step.isdecimal():
            path.append(int(step))
            values = values[int(step)]
        else:
            break
    return tuple(path)


def _places(spec: JobFile, base: Path, findings: Findings) -> tuple[str, Path]:
    """The output folder and the folder of the ledger."""
    beside = os.path.join(base, "out", spec.name)  # noqa: PTH118 - a folder is text, it may be a URL
    given, state = spec.output.folder, spec.output.state
    if state is not None and "://" in state:
        findings.add(("output", "state"), f"{state!r} is no local folder", "the ledger lives on a local disk")
    own_state = Path(_absolute(base, state)) if state else None
    if given is not None and is_url(given):
        return given, own_state or Path(beside)
    folder = _absolute(base, (given or beside).removeprefix("file://"))
    return folder, own_state or Path(folder, STATE_FOLDER)


def _absolute(base: Path, folder: str) -> str:
    return os.path.normpath(base / Path(folder).expanduser())
