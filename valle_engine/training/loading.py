"""Load a training: one YAML file becomes one checked `Training`, or all of its problems at once. No torch here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from valle_engine.errors import CheckpointError, JobError, StoreError
from valle_engine.job.findings import Findings
from valle_engine.job.yaml import read_yaml
from valle_engine.model.header import peek
from valle_engine.registry import problems_of
from valle_engine.training.options import TrainingFile
from valle_engine.training.shards import Shards

if TYPE_CHECKING:
    from valle_engine.errors import Problem

CHARACTERS = frozenset({"phn", "un-phn"})


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


def load_training(path: Path) -> Training:
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
    )
    _check_files(training, findings)
    _check_corpus(training, findings)
    _check_lessons(spec, findings)
    if findings.problems:
        raise JobError(_sorted(findings))
    return training


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
