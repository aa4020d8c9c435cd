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

LEDGER = "ledger.db"

_SHARD = "shard-"
_LABEL = re.compile(r"[0-9]{1,9}-of-[0-9]{1,9}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(folder: str) -> bool:
    """Tell whether an output folder is behind an fsspec URL; `file://` is a local folder."""
    return bool(_URL.match(folder)) and not folder.startswith("file://")


def local_path(folder: str) -> Path:
    """The absolute path of an output folder that is no URL; links in it are kept."""
    return Path(folder.removeprefix("file://")).absolute()


def state_folder(folder: str, state: str | Path | None, label: str) -> Path:
    """Where the ledgers of an output folder are kept. Raises `StoreError` for a URL without `output.state`.

    A `state` that is a shard's own folder already stands for the one around it.
    """
    if state is not None:
        place = Path(state)
        return place.parent if place.name == f"{_SHARD}{label}" else place
    if is_url(folder):
        raise StoreError(f"the output goes to {folder}, so the ledger needs a local folder: set `output.state`")
    return local_path(folder) / STATE_FOLDER


def label_of(shard: Shard | None) -> str:
    """Name of a run among the shards of its job: `all`, or `2-of-4`."""
    return ALL if shard is None else f"{shard.index}-of-{shard.count}"


def ledger_path(state: Path, label: str) -> Path:
    """The ledger of a run; each shard has a folder of its own in the state folder."""
    return (state if label == ALL else state / f"{_SHARD}{label}") / LEDGER


def lock_path(ledger: Path) -> Path:
    """The file that the driver of a ledger locks."""
    return ledger.with_name("run.lock")


def ledgers_in(state: Path) -> dict[str, Path]:
    """The ledgers in a state folder by label, in the order of the shards."""
    inside = {folder.name.removeprefix(_SHARD): folder for folder in state.glob(f"{_SHARD}*")}
    shards = sorted((label for label in inside if is_label(label)), key=lambda label: (len(label), label))
    folders = {_label_in(state): state, **{label: inside[label] for label in shards}}
    return {label: folder / LEDGER for label, folder in folders.items() if (folder / LEDGER).is_file()}


def is_label(text: str) -> bool:
    """Tell whether a text is the label of a run."""
    return text == ALL or bool(_LABEL.fullmatch(text))


def shards_of(label: str) -> int:
    """How many shards a run's manifest is divided into; 0 for a run that is no shard, not even one of one."""
    return 0 if label == ALL else int(label.partition("-of-")[2])


def _label_in(folder: Path) -> str:
    label = folder.name.removeprefix(_SHARD)
    return label if folder.name.startswith(_SHARD) and is_label(label) else ALL
