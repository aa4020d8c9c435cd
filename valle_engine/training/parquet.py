"""One shard: a Parquet file whose rows are examples, with its statistics in the file's own metadata."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from valle_engine.errors import StoreError
from valle_engine.store.atomic import replacing
from valle_engine.training.examples import CodecFacts, Example
from valle_engine.training.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VERSION = 1
METADATA = b"valle"
TEXTS = ("id", "speaker", "language", "text", "phonemes")
CODES = ("codes", "noise", "noisy")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in TEXTS),
        ("seconds", pa.float64()),
        *((name, pa.list_(pa.uint16())) for name in CODES),
    ]
)
"""Codes stand in a flat list, frame after frame."""


def write_shard(path: Path, examples: Sequence[Example], codec: CodecFacts) -> Statistics:
    """Write a shard whole or not at all. Raises `StoreError`."""
    statistics = Statistics.of(examples)
    facts = {"version": VERSION, "codebooks": codec.codebooks, "statistics": statistics.plain()}
    columns = {name: [getattr(example, name) for example in examples] for name in (*TEXTS, "seconds")}
    codes = {name: [_flat(getattr(example, name)) for example in examples] for name in CODES}
    schema = SCHEMA.with_metadata({METADATA: orjson.dumps(facts)})
    table = pa.table({**columns, **codes}, schema=schema)
    with replacing(path) as file:
        pq.write_table(table, file, compression="zstd")
    return statistics


def written_statistics(path: Path) -> Statistics | None:
    """The statistics of a shard that is there and of this version; None for any other file, and for none."""
    try:
        facts = orjson.loads(pq.read_schema(path).metadata[METADATA])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
    return Statistics.parse(facts["statistics"]) if facts.get("version") == VERSION else None


@dataclass(frozen=True)
class Shard:
    """A shard in memory; its examples are made when they are asked for, their codes are views of its columns."""

    table: pa.Table
    codebooks: int

    @classmethod
    def read(cls, path: Path, codebooks: int) -> Shard:
        """Read a file. Raises `StoreError` for one that is missing or damaged."""
        try:
            return cls(pq.read_table(path, schema=SCHEMA, use_threads=False).combine_chunks(), codebooks)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{path} cannot be read as a shard: {error}; `valle data prepare` makes it anew"
            ) from error

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def example(self, row: int) -> Example:
        """The example of a row."""
        texts = {name: self.table.column(name)[row].as_py() for name in TEXTS}
        codes = {name: self._codes(name, row) for name in CODES}
        return Example(**texts, seconds=self.table.column("seconds")[row].as_py(), **codes)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {item_id: row for row, item_id in enumerate(self.table.column("id").to_pylist())}

    @cached_property
    def speakers(self) -> dict[str, np.ndarray]:
        """The rows of each speaker."""
        names = np.array(self.table.column("speaker").to_pylist(), dtype=object)
        return {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)}

    @cached_property
    def _flat(self) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of each column of codes: whether a row has any, where it begins (one more than rows), and all values."""
        return {name: _lists(self.table.column(name).chunk(0)) for name in CODES}

    def _codes(self, name: str, row: int) -> Any:
        there, starts, values = self._flat[name]
        if not there[row]:
            return None
        return values[starts[row] : starts[row + 1]].reshape(-1, self.codebooks)


def _flat(codes: np.ndarray | None) -> np.ndarray | None:
    return None if codes is None else np.ascontiguousarray(codes, np.uint16).reshape(-1)


def _lists(column: pa.ListArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    there = column.is_valid().to_numpy(zero_copy_only=False)
    return there, column.offsets.to_numpy(), column.values.to_numpy()
