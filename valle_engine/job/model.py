"""Check the model a job names, find its files, and say what it is: without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import CheckpointError, PluginError, Problem
from valle_engine.model.header import peek
from valle_engine.model.names import Found, codec_of, find_model, local_path
from valle_engine.parts import HubFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.fingerprints import FileDigests
    from valle_engine.model.config import ModelConfig
    from valle_engine.modelspec import ModelSpec
    from valle_engine.parts import Codec, Model
    from valle_engine.registry import Registry

WEIGHTS = "weights"
"""Option of a codec, or of a codec inside it, that names weights: a file, a folder or a hub id."""


@dataclass(frozen=True, slots=True)
class JobModel:
    """A model that was checked.

    `spec` has absolute paths, `weights` says where the weights are; `config` is None where they do not tell it yet.
    """

    spec: ModelSpec
    codec: Codec
    config: ModelConfig | None
    weights: Path | HubFile


@dataclass(frozen=True, slots=True)
class Located:
    """A model that was looked for: its spec with absolute paths, its codec by name and options, what is wrong."""

    spec: ModelSpec
    codec: dict[str, Any]
    found: Found | None
    config: ModelConfig | None
    problems: list[Problem]


def locate(spec: ModelSpec, folder: Path, files: FileDigests, models: Registry[Model]) -> Located:
    """Look for a model without loading it; paths start at `folder`."""
    problems: list[Problem] = []
    config, name, found = None, spec.name, None
    try:
        found = find_model(spec.name, models, folder)
        path = found.place()
        if isinstance(path, Path):
            config = peek(path)
            _check_pin(path, spec.sha256, files)
            # A part's name stays: each worker finds the file where its own package lies.
            name = spec.name if found.part else str(path.absolute())
    except (CheckpointError, PluginError) as error:
        problems.append(Problem(str(error), path="name"))
    adapters = [lora.model_copy(update={"path": str((folder / lora.path).absolute())}) for lora in spec.lora]
    for number, lora in enumerate(adapters):
        if not Path(lora.path).is_file():
            problems.append(Problem(f"no such file: {lora.path}", path=f"lora.{number}.path"))
    codec = codec_of(spec, found.part if found else None, config)
    return Located(spec.model_copy(update={"name": name, "lora": adapters}), codec, found, config, problems)


def anchored(options: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """A codec's options with the local weights among them at absolute paths, and what is missing."""
    found, missing = dict(options), []
    for key, value in options.items():
        if isinstance(value, dict):
            found[key], inner = anchored(value, folder)
            missing += inner
        elif key == WEIGHTS and isinstance(value, str) and (path := local_path(value, folder)):
            found[key] = str(path.absolute())
            missing += [] if path.exists() else [f"no such file: {path}"]
    return found, missing


def identity(model: JobModel, codec: Mapping[str, Any], files: FileDigests) -> dict[str, Any]:
    """What determines the outputs of a model: files by their content, names by name and revision.

    `codec` is what determines those of its codec.
    """
    spec = model.spec
    adapters = [{**lora.model_dump(), "path": f"sha256:{files.of(lora.path)}"} for lora in spec.lora]
    return {
        "weights": _weights(model, files),
        "codec": codec,
        "lora": adapters,
        "precision": spec.precision,
    }


def codec_identity(codec: Mapping[str, Any], files: FileDigests) -> dict[str, Any]:
    """What determines the codes of a codec, given as `name` and `options`: its weights by their content."""
    return {**codec, "options": _by_content(codec["options"], files)}


def _weights(model: JobModel, files: FileDigests) -> str:
    if model.spec.sha256:
        return f"sha256:{model.spec.sha256.lower()}"
    if isinstance(model.weights, HubFile):
        return f"{model.weights.repository}/{model.weights.file}@{model.weights.revision}"
    return f"sha256:{files.of(str(model.weights))}"


def _by_content(options: Mapping[str, Any], files: FileDigests) -> dict[str, Any]:
    plain = dict(options)
    for key, value in options.items():
        if isinstance(value, dict):
            plain[key] = _by_content(value, files)
        elif key == WEIGHTS and isinstance(value, str) and Path(value).is_absolute():
            plain[key] = files.content(value)
    return plain


def _check_pin(path: Path, sha256: str | None, files: FileDigests) -> None:
    if sha256 is not None and (found := files.of(str(path))) != sha256.lower():
        raise CheckpointError(
            f"{path}: its SHA-256 is {found}, not the pinned {sha256}: fetch it again or change the pin"
        )
