"""Models known by name. Knowing them loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Release:
    """A checkpoint on the Hugging Face hub; `revision` is what a name without one stands for."""

    repository: str
    file: str
    revision: str = "main"
    about: str = ""
    licence: str = ""


RELEASES: Mapping[str, Release] = {
    "ecker/vall-e": Release(
        "ecker/vall-e",
        "models/ckpt/ar+nar-len-llama-8/ckpt/fp32.sft",
        about="ar+nar-len-llama-8: 24 kHz EnCodec codes, six languages, speech, transcription, editing",
        licence="as its page on the hub says: read it before you use the weights",
    ),
}
DEFAULT_MODEL = "ecker/vall-e"


def find_release(model: str) -> Release:
    """The release behind `name` or `name@revision`. Raises `CheckpointError` for an unknown name."""
    name, _, revision = model.partition("@")
    release = RELEASES.get(name)
    if release is None:
        raise CheckpointError(f"no model {name!r}: give the path of a checkpoint, or one of {', '.join(RELEASES)}")
    return Release(release.repository, release.file, revision or release.revision, release.about, release.licence)


def local_path(model: str, folder: Path | None = None) -> Path | None:
    """The path that a model's name is, None for a name of a release; relative ones start at `folder`.

    What exists is a path, and so is what has a suffix and is absolute or begins with a dot.
    """
    path = (folder or Path()) / Path(model).expanduser()
    if path.exists() or (path.suffix and (Path(model).is_absolute() or model.startswith((".", "~")))):
        return path
    return None
