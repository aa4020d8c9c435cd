"""Load a training: one YAML file becomes one checked `Training`, or all of its problems at once. No torch here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from valle_engine.errors import CheckpointError, JobError, PluginError, StoreError
from valle_engine.job.findings import Findings
from valle_engine.job.model import anchored
from valle_engine.job.scoring import Scoring, Verbatim
from valle_engine.job.yaml import read_yaml
from valle_engine.model.header import peek
from valle_engine.parts import Part
from valle_engine.registry import problems_of
from valle_engine.training.examples import CodecFacts
from valle_engine.training.options import TrainingFile
from valle_engine.training.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.errors import Problem
    from valle_engine.job.schema import PartSpec
    from valle_engine.job.yaml import KeyPath
    from valle_engine.parts import Codec
    from valle_engine.plugins import Plugins
    from valle_engine.registry import Registry

P = TypeVar("P", bound=Part)
CHARACTERS = frozenset({"phn", "un-phn"})
SAMPLE_FIELDS = ("text", "phonemes", "language")
"""What a scorer may read of a sample beside its sound."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that was checked; its paths are absolute."""

    file: Path
    spec: TrainingFile
    data: Path
    folder: Path
    start: Path | None
    tokenizer: Path | None
    text_tokenizer: Path | None
    codec: Codec | None
    scoring: Scoring


def is_training(path: Path) -> bool:
    """Whether a file is meant as a training: it counts steps, and names no task."""
    try:
        values = read_yaml(path).values
    except JobError:
        return False
    return "steps" in values and "task" not in values


def check_training(path: Path, plugins: Plugins) -> tuple[int, list[Problem]]:
    """The number of utterances to train on, and everything that is wrong with a training file."""
    try:
        training = load_training(path, plugins)
    except JobError as error:
        return 0, error.problems
    return Shards(training.data).examples, []


def load_training(path: Path, plugins: Plugins) -> Training:
    """Load and check a training file. Raises `JobError` with every problem."""
    document = read_yaml(path)
    findings = Findings(str(path), document)
    try:
        spec = TrainingFile.model_validate(document.values)
    except ValidationError as error:
        findings.add_part((), problems_of(error, TrainingFile, "training"))
        raise JobError(_sorted(findings)) from None
    base = path.absolute().parent
    training = Training(
        file=path,
        spec=spec,
        data=_absolute(base, spec.data),
        folder=_absolute(base, spec.folder or f"out/{spec.name}"),
        start=_optional(base, spec.start),
        tokenizer=_optional(base, spec.tokenizer),
        text_tokenizer=_optional(base, spec.text_tokenizer),
        codec=_codec(spec, _Parts(findings, base, plugins)),
        scoring=_scoring(spec, _Parts(findings, base, plugins)),
    )
    _check_files(training, findings)
    _check_corpus(training, findings)
    _check_lessons(spec, findings)
    if findings.problems:
        raise JobError(_sorted(findings))
    return training


@dataclass(frozen=True, slots=True)
class _Parts:
    """Builds the parts that a training names; paths of weights start at `base`."""

    findings: Findings
    base: Path
    plugins: Plugins

    def build(self, registry: Registry[P], given: PartSpec, path: KeyPath) -> list[P]:
        """The part, or nothing and a finding."""
        options, missing = anchored({"name": given} if isinstance(given, str) else given, self.base)
        for message in missing:
            self.findings.add(path, message)
        try:
            return [registry.build(str(options.pop("name", "")), options)]
        except JobError as error:
            self.findings.add_part(path, error.problems)
        except PluginError as error:
            self.findings.add(path, str(error))
        return []

    def listed(self, registry: Registry[P], key: str, given: Sequence[PartSpec]) -> tuple[P, ...]:
        """Those of a list of the validation."""
        places: list[KeyPath] = [("validation", key, number) for number in range(len(given))]
        return tuple(
            part for each, path in zip(given, places, strict=True) for part in self.build(registry, each, path)
        )


def _codec(spec: TrainingFile, parts: _Parts) -> Codec | None:
    """The codec by which samples become sound. Scores need one."""
    options = spec.validation
    if options.codec is None:
        if options.scores:
            parts.findings.add(("validation", "scores"), "samples have no sound without a codec", "add `codec: ...`")
        return None
    return next(iter(parts.build(parts.plugins.codecs, options.codec, ("validation", "codec"))), None)


def _scoring(spec: TrainingFile, parts: _Parts) -> Scoring:
    """What judges samples."""
    options, plugins = spec.validation, parts.plugins
    scorers = parts.listed(plugins.scorers, "scores", options.scores)
    transcribers = parts.listed(plugins.transcribers, "transcribers", options.transcribers)
    normaliser = parts.build(plugins.normalisers, "basic", ("validation",)) if options.scores else []
    scoring = Scoring(scorers, transcribers, normaliser[0] if normaliser else Verbatim())
    for _, message, hint in scoring.problems(plugins.transcribers.names()):
        parts.findings.add(("validation", "scores"), message, hint)
    for column, name in scoring.needs().items():
        if column not in SAMPLE_FIELDS:
            message = f"{name!r} needs the column {column!r}; samples have {', '.join(SAMPLE_FIELDS)}"
            parts.findings.add(("validation",), message)
    return scoring


def _check_files(training: Training, findings: Findings) -> None:
    for key in ("tokenizer", "text_tokenizer"):
        path: Path | None = getattr(training, key)
        if path is not None and not path.is_file():
            findings.add((key,), f"no such file: {path}")
    if training.start is not None:
        try:
            peek(training.start)
        except CheckpointError as error:
            findings.add(("start",), str(error))


def _check_corpus(training: Training, findings: Findings) -> None:
    try:
        corpus = Shards(training.data)
    except StoreError as error:
        findings.add(("data",), str(error))
        return
    weights = training.spec.lessons.levels.weights
    if weights is not None and len(weights) != corpus.codec.codebooks:
        message = f"{len(weights)} weights, and the corpus has {corpus.codec.codebooks} codebooks"
        findings.add(("lessons", "levels", "weights"), message, "give one for each codebook, the first one first")
    codec = training.codec
    if codec is not None and CodecFacts.of(codec) != corpus.codec:
        message = f"the corpus holds codes of {corpus.codec.name!r}, not of {codec.name!r}"
        findings.add(("validation", "codec"), message, "name the codec that it was prepared with")
    if corpus.examples == 0:
        findings.add(("data",), f"{training.data} holds no utterance to train on")


def _check_lessons(spec: TrainingFile, findings: Findings) -> None:
    taught = {name for name, weight in spec.lessons.tasks.items() if weight}
    if taught & CHARACTERS and spec.text_tokenizer is None:
        names = " and ".join(sorted(taught & CHARACTERS))
        findings.add(("lessons", "tasks"), f"{names} need a vocabulary of characters", "add `text_tokenizer: ...`")
    for place, (shortest, longest) in {
        ("lessons", "seconds"): spec.lessons.seconds,
        ("lessons", "prompts", "seconds"): spec.lessons.prompts.seconds,
    }.items():
        if not 0 <= shortest <= longest:
            findings.add(
                place, f"from {shortest:g} to {longest:g} s is no range", "give the shortest, then the longest"
            )
    if spec.start is None and (spec.model.width % spec.model.heads or spec.model.width // spec.model.heads % 2):
        message = f"width {spec.model.width} does not split into {spec.model.heads} heads of even width"
        findings.add(("model", "heads"), message)


def _sorted(findings: Findings) -> list[Problem]:
    return sorted(findings.problems, key=lambda problem: problem.line or 0)


def _optional(base: Path, path: str | None) -> Path | None:
    return None if path is None else _absolute(base, path)


def _absolute(base: Path, path: str) -> Path:
    return Path(os.path.normpath(base / Path(path).expanduser()))
