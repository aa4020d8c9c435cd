"""File names that come from a job or a manifest: which fields hold them, where they start, what is refused."""

from __future__ import annotations

import os
import re
import typing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

CACHED_PATHS = 2**16

# A protocol ("http:", "concat:", "pipe:", "subfile,,start,0:"), an option, or a pipe in the manner of Kaldi or ffmpeg.
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.,_-]+:")
_FORBIDDEN = re.compile(r"[|\x00-\x1f\x7f]")


@lru_cache(maxsize=256)
def path_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields annotated `Path` or `Path | None`."""
    return frozenset(name for name, field in model.model_fields.items() if _is_path(field.annotation))


@lru_cache(maxsize=256)
def path_list_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields annotated `list[Path]`."""
    return frozenset(name for name, field in model.model_fields.items() if field.annotation == list[Path])


def _is_path(annotation: object) -> bool:
    return annotation is Path or (annotation != list[Path] and Path in typing.get_args(annotation))


@dataclass(frozen=True, slots=True)
class Base:
    """The folder that relative paths start from.

    `confined` says that nothing outside it may be named, `folders` that a folder may be named as well as a file.
    """

    folder: Path
    confined: bool = False
    folders: bool = False
    _known: dict[str, tuple[Path, str]] = field(default_factory=dict, compare=False, repr=False)

    def locate(self, name: str) -> tuple[Path, str]:
        """The absolute path behind a name, and what is wrong with it, empty when nothing is.

        Each name is looked up once, and gives the same object again; only the latest of very many are remembered.
        """
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= CACHED_PATHS:
                self._known.clear()
            found = self._known[name] = self._look_up(name)
        return found

    def _look_up(self, name: str) -> tuple[Path, str]:
        if not name or _FORBIDDEN.search(name) or _PROTOCOL.match(name) or name.startswith("-"):
            return Path(), f"{name!r} is no plain file name; addresses, pipes and options are refused"
        path = os.path.normpath(self.folder / name)
        if self.confined and not _is_below(path, self.folder):
            return Path(path), f"{name!r} leads out of the folder {self.folder}"
        if os.path.isfile(path) or (self.folders and os.path.isdir(path)):  # noqa: PTH112, PTH113 - called per item
            return Path(path), ""
        if os.path.exists(path):  # noqa: PTH110 - beside its kin
            return Path(path), f"{path} is no regular file"
        return Path(path), f"no such file: {path}"


def _is_below(path: str, folder: Path) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([real, root]) == root
