"""Models by name: what can be had, fetched at a pinned revision, inspected and verified."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import CheckpointError
from valle_engine.model.checkpoint import check_hash, hash_file, read_checkpoint
from valle_engine.model.names import find_model
from valle_engine.parts import HubFile

if TYPE_CHECKING:
    from valle_engine.model.checkpoint import Checkpoint
    from valle_engine.parts import Model
    from valle_engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that can be asked for by name: where it comes from, and where it lies if it is here."""

    part: Model
    weights: Path | HubFile
    path: Path | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a checkpoint is, without running it."""

    path: Path
    bytes: int
    sha256: str
    version: int
    parameters: int
    tensors: int
    heads: tuple[str, ...]
    capabilities: tuple[str, ...]
    step: int
    vocabulary: int
    tokenizer: Path | None


def list_models(models: Registry[Model]) -> list[Listed]:
    """Every model known by name, and whether it is here already. Asks nobody."""
    parts = [models.build(name) for name in models.names()]
    return [Listed(part, weights := part.weights(), _here(weights)) for part in parts]


def fetch(model: str, models: Registry[Model], *, offline: bool = False, sha256: str | None = None) -> Path:
    """Local file of a model given by path or by name, fetched if need be.

    Raises `CheckpointError` for an unknown name, a file that cannot be had, or another hash than the pinned one.
    """
    place = find_model(model, models).place()
    path = _fetch(model, place, offline=offline) if isinstance(place, HubFile) else place
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    check_hash(path, sha256)
    return path


def load(model: str, models: Registry[Model], *, offline: bool = False, sha256: str | None = None) -> Checkpoint:
    """Fetch and read a model given by path or by name. Raises `CheckpointError`."""
    return read_checkpoint(fetch(model, models, offline=offline, sha256=sha256))


def inspect(path: Path) -> Inspection:
    """Say what a checkpoint is. Raises `CheckpointError` when it is none that can be used."""
    checkpoint = read_checkpoint(path)
    config = checkpoint.config
    return Inspection(
        path=path,
        bytes=path.stat().st_size,
        sha256=hash_file(path),
        version=config.version,
        parameters=sum(tensor.numel() for tensor in checkpoint.tensors.values()),
        tensors=len(checkpoint.tensors),
        heads=tuple(config.heads_by_name),
        capabilities=tuple(sorted(config.capabilities)),
        step=checkpoint.step,
        vocabulary=len(checkpoint.vocabulary),
        tokenizer=checkpoint.tokenizer,
    )


def verify(path: Path, sha256: str | None = None) -> list[str]:
    """Problems that keep a checkpoint from being used, or from being the one that was pinned; empty without any.

    Every weight is read; one that is not finite is a problem.
    """
    try:
        checkpoint = read_checkpoint(path, sha256)
    except CheckpointError as error:
        return [str(error)]
    broken = [key for key, tensor in checkpoint.tensors.items() if not bool(tensor.isfinite().all())]
    return [f"{path}: {key} holds numbers that are not finite" for key in broken]


def _fetch(model: str, file: HubFile, *, offline: bool) -> Path:
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - only who fetches needs it
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415 - same

    try:
        return Path(hf_hub_download(file.repository, file.file, revision=file.revision, local_files_only=offline))
    except LocalEntryNotFoundError as error:
        way = "fetch it once with a network" if offline else "the hub cannot be reached: check the network"
        raise CheckpointError(f"{model}: is not among the fetched models, and {way}, or give a local path") from error
    except (EntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise CheckpointError(f"{model}: the hub does not give {file.file} at {file.revision}: {error}") from error


def _here(weights: Path | HubFile) -> Path | None:
    if not isinstance(weights, HubFile):
        return weights if weights.is_file() else None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - only who fetches needs it

    found = try_to_load_from_cache(weights.repository, weights.file, revision=weights.revision)
    return Path(found) if isinstance(found, str) else None
