"""Where the files of a run are: its state folder, and in it one ledger and one lock for each shard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import StoreError

if TYPE_CHECKING:
    from valle_engine.job.items import Shard

STATE_FOLDER = ".valle"
"""Folder of the ledger inside the output folder, unless `output.state` names another."""

ALL = "all"
"""Label of a run that is not a shard."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(folder: str) -> bool:
    """Tell whether an output folder is behind an fsspec URL; `file://` is a local folder."""
    return bool(_URL.match(folder)) and not folder.startswith("file://")


def local_path(folder: str) -> Path:
    """The absolute path of an output folder that is no URL; links in it are kept."""
    return Path(folder.removeprefix("file://")).absolute()


def state_folder(folder: str, state: str | Path | None = None) -> Path:
    """Where the ledger of an output folder is kept. Raises `StoreError` for a URL without `output.state`."""
    if state is not None:
        return Path(state)
    if is_url(folder):
        raise StoreError(f"the output goes to {folder}, so the ledger needs a local folder: set `output.state`")
    return local_path(folder) / STATE_FOLDER


def label_of(shard: Shard | None) -> str:
    """Name of a run's own files in the state folder: `all`, or `2-of-4` for a shard."""
    return ALL if shard is None else f"{shard.index}-of-{shard.count}"


def ledger_path(place: Path, label: str) -> Path:
    """The ledger of a run."""
    return place / ("ledger.db" if label == ALL else f"ledger-{label}.db")


def lock_path(place: Path, label: str) -> Path:
    """The file that a run's driver locks."""
    return place / ("run.lock" if label == ALL else f"run-{label}.lock")


def labels(place: Path) -> list[str]:
    """The runs that have a ledger in a state folder."""
    found = [path.stem.removeprefix("ledger").removeprefix("-") or ALL for path in place.glob("ledger*.db")]
    return sorted(found, key=lambda label: (len(label), label))


def shards_of(label: str) -> int:
    """How many shards the manifest of a run is divided into; 1 for a run that is not a shard."""
    return int(label.partition("-of-")[2] or 1) if label != ALL else 1
