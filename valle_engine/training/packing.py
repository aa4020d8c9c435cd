"""Shards of a corpus: written by a plan that is made of the examples alone, so that a second time changes nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import StoreError
from valle_engine.store.atomic import replacing
from valle_engine.training.examples import CodecFacts
from valle_engine.training.layout import SPLITS, Catalogue, Entry, Layout, PlannedShard
from valle_engine.training.parquet import VERSION, write_shard, written_statistics
from valle_engine.training.statistics import Statistics
from valle_engine.training.wire import to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from valle_engine.training.examples import Example

    Load = Callable[[Sequence[int]], Sequence[Example]]
    """Gives the examples at some places of the catalogue, in their order."""

INDEX = "index.json"
FOLDER = "shards"
"""Folder of the shards inside the output folder of the job that made them."""
_OWN = re.compile(rf"(?:{'|'.join(SPLITS)})-\d{{5,}}-[0-9a-f]{{12}}\.parquet")


@dataclass(frozen=True, slots=True)
class Index:
    """What there is: the shards of each split by the names of their files, and what is in them.

    `left_out` counts the items that gave no example, by the reason.
    """

    codec: CodecFacts
    shards: Mapping[str, Sequence[tuple[str, int]]]
    statistics: Mapping[str, Statistics]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Index:
        """The index of a folder of shards, or of the output folder around it. Raises `StoreError`."""
        path = index_path(folder)
        try:
            plain = orjson.loads(path.read_bytes())
            if plain["version"] != VERSION:
                raise StoreError(
                    f"{path} is of version {plain['version']}, this engine reads {VERSION}: prepare it anew"
                )
            shards = {split: [(name, int(count)) for name, count in each] for split, each in plain["shards"].items()}
            statistics = {split: Statistics.parse(each) for split, each in plain["statistics"].items()}
            return cls(CodecFacts(**plain["codec"]), shards, statistics, plain["left_out"])
        except OSError as error:
            raise StoreError(
                f"{folder} holds no prepared corpus: {error.strerror}: {path}; `valle data prepare JOB` makes one"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{path} is no index of a prepared corpus: {error!r}") from error

    def plain(self) -> dict[str, Any]:
        """The index as JSON has it."""
        return {
            "version": VERSION,
            "codec": asdict(self.codec),
            "shards": self.shards,
            "statistics": {split: each.plain() for split, each in self.statistics.items()},
            "left_out": dict(self.left_out),
        }

    @property
    def whole(self) -> Statistics:
        """The statistics of all splits together."""
        return sum(self.statistics.values(), Statistics())


def index_path(folder: Path) -> Path:
    """Where the index of a corpus is: in the folder, or in the shards' folder inside it."""
    inside = folder / FOLDER / INDEX
    return inside if inside.is_file() else folder / INDEX


def write_shards(
    folder: Path,
    catalogue: Catalogue,
    load: Load,
    codec: CodecFacts,
    left_out: Mapping[str, int] | None = None,
) -> Path:
    """Write the shards that are not there yet, then the index, then remove shards that it does not name.

    A shard's name holds a digest of what is in it, so one that is there is whole and right; at no time does the index
    name one that is not. Returns the path of the index. Raises `StoreError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    statistics = dict.fromkeys(SPLITS, Statistics())
    for planned in catalogue.shards():
        name = f"{planned.split}-{len(shards[planned.split]):05}-{planned.digest[:12]}.parquet"
        made = _made(folder / name, planned, load, codec)
        shards[planned.split].append((name, made.examples))
        statistics[planned.split] += made
    index = Index(codec, shards, statistics, left_out or {})
    with replacing(folder / INDEX) as file:
        file.write(orjson.dumps(index.plain(), option=orjson.OPT_INDENT_2))
    _remove_others(folder, {name for each in shards.values() for name, _ in each})
    return folder / INDEX


def write_corpus(folder: Path, examples: Sequence[Example], codec: CodecFacts, layout: Layout | None = None) -> Path:
    """Write shards of examples that are in memory. Returns the path of the index. Raises `StoreError`."""
    catalogue = Catalogue(layout or Layout())
    for each in examples:
        key = hashlib.sha256(to_bytes(each, codec)).digest()
        catalogue.add(Entry(key, each.id, each.speaker))
    return write_shards(folder, catalogue, lambda places: [examples[place] for place in places], codec)


def _made(path: Path, planned: PlannedShard, load: Load, codec: CodecFacts) -> Statistics:
    there = written_statistics(path)
    if there is not None and there.examples == len(planned.places):
        return there
    return write_shard(path, load([int(place) for place in planned.places]), codec)


def _remove_others(folder: Path, names: Iterable[str]) -> None:
    kept = set(names)
    for path in folder.iterdir():
        if _OWN.fullmatch(path.name) and path.name not in kept:
            path.unlink()
