"""Models by what a job calls them: the path of a checkpoint, or the name of a part. Looking one up loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import CheckpointError, JobError
from valle_engine.modelspec import ModelSpec
from valle_engine.parts import HubFile

if TYPE_CHECKING:
    from valle_engine.model.config import ModelConfig
    from valle_engine.parts import Codec, Model
    from valle_engine.registry import Registry


RELEASED_CODEC = "vocos"
"""The codec of checkpoints that do not say: those of the released format speak EnCodec's codes."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for: where the weights are, and the part that says so, None for a path."""

    weights: Path | HubFile
    part: Model | None = None

    def place(self) -> Path | HubFile:
        """Where they are. Raises `CheckpointError` when a part's own file is missing."""
        here = self.weights
        if self.part is not None and isinstance(here, Path) and not here.is_file():
            raise CheckpointError(f"the model {self.part.name!r} is not here: there is no {here}; {self.part.remedy}")
        return here


def find_model(called: str, models: Registry[Model], folder: Path | None = None) -> Found:
    """The model behind a path, which starts at `folder`, or behind `name` or `name@revision`.

    A name of a part is one unless a file is called so. Raises `CheckpointError` for an unknown name, `PluginError` for
    one that two packages offer.
    """
    name, _, revision = called.partition("@")
    if name not in models.offers or ((folder or Path()) / called).is_file():
        path = local_path(called, folder)
        if path is not None:
            return Found(path)
    try:
        part = models.build(name)
    except JobError as error:
        raise CheckpointError(f"{error}: name one of them, or give the path of a checkpoint") from None
    return Found(_revised(part, revision), part)


def codec_of(spec: ModelSpec, part: Model | None, config: ModelConfig | None) -> dict[str, Any]:
    """The codec of a model, as `name` and options: what the job says, what belongs to it, or that of the releases."""
    if isinstance(spec.codec, dict):
        return spec.codec
    own = part.codec if part is not None else config.codec if config is not None else ""
    return {"name": spec.codec or own or RELEASED_CODEC}


def unfit(codec: Codec, part: Model | None, config: ModelConfig | None, codecs: Registry[Codec]) -> str:
    """Why a codec's codes are not those of a model; empty when they are, and where the model tells nothing."""
    if config is not None and (wrong := config.unfit(codec)):
        return wrong
    own = codecs.offers.get(codec_of(ModelSpec(name="own"), part, config)["name"])
    if own is None or own.part.frame_rate == codec.frame_rate:
        return ""
    return (
        f"the codec {codec.name!r} has {codec.frame_rate} frames a second, and the model's own, {own.part.name!r}, "
        f"{own.part.frame_rate}: name one with the same codes, or leave it out"
    )


def local_path(called: str, folder: Path | None = None) -> Path | None:
    """The path that weights are called by, None for a name; relative ones start at `folder`.

    What exists is a path, and so is what has a suffix and is absolute or begins with a dot.
    """
    path = (folder or Path()) / Path(called).expanduser()
    if path.exists() or (path.suffix and (Path(called).is_absolute() or called.startswith((".", "~")))):
        return path
    return None


def _revised(part: Model, revision: str) -> Path | HubFile:
    weights = part.weights()
    if not revision:
        return weights
    if isinstance(weights, HubFile):
        return replace(weights, revision=revision)
    raise CheckpointError(f"the model {part.name!r} comes with its package and has no revision {revision!r}")
