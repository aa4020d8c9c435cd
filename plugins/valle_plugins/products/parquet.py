"""The outcomes as one Parquet file, for data frames."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import Field

from valle_engine.store.atomic import replacing
from valle_plugins.products.table import FILE_PATTERN, Table, rows

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from valle_engine.parts import FinishedRun

GROUP_ROWS = 10_000
"""Rows of one row group: what is held in memory at a time."""

JSON_COLUMNS = ("values", "takes", "fields")
"""Columns whose shape differs from task to task: JSON text, so that every run has one schema."""


class Parquet(Table):
    """One row an item; scores are a map, the task's values, the takes and the item's fields are JSON text."""

    name: ClassVar[str] = "parquet"

    file: str = Field("outcomes.parquet", pattern=FILE_PATTERN, description="Name of the file in the output folder.")

    def make(self, run: FinishedRun) -> Path:
        """Write the row groups."""
        import pyarrow as pa  # noqa: PLC0415 - only a run that asks for Parquet pays for it
        import pyarrow.parquet  # noqa: PLC0415 - same

        path, schema, stream = self.path(run), _schema(), map(_plain, rows(run))
        with replacing(path) as file, pa.parquet.ParquetWriter(file, schema) as writer:
            while group := list(islice(stream, GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(group, schema))
        return path


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: orjson.dumps(row[name], default=str).decode() for name in JSON_COLUMNS}
    return {**row, **texts, "scores": list(row["scores"].items())}


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = ("id", "state", "path", "sha256", "failure", "message", "detail", "worker", "fingerprint", *JSON_COLUMNS)
    numbers = ("bytes", "sample_rate", "attempt", "crashes", "errors")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            *((name, pa.int64()) for name in numbers),
            ("audio_seconds", pa.float64()),
            ("seconds", pa.float64()),
            ("scores", pa.map_(pa.string(), pa.float64())),
        ]
    )
