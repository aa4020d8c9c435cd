"""Items from a Parquet file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from valle_engine import Row, Source
from valle_engine.errors import JobError, Problem

BATCH = 1024


class Parquet(Source):
    """A Parquet file. Columns of raw bytes are not read; dates and decimals are read as text."""

    name: ClassVar[str] = "parquet"

    path: Path = Field(description="The file.")
    columns: list[str] | None = Field(None, description="Columns to read; all by default.")

    def rows(self) -> Iterator[Row]:
        """Stream the rows; the line of one is its number. Raises `JobError` for a file that cannot be read."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only this source needs it
        import pyarrow.parquet as pq  # noqa: PLC0415 - same

        number = 0
        try:
            with pq.ParquetFile(self.path) as file:
                wanted = self._wanted(file.schema_arrow)
                for batch in file.iter_batches(BATCH, columns=wanted):
                    for fields in _plain(batch).to_pylist():
                        number += 1
                        yield Row(number, {key: value for key, value in fields.items() if value is not None})
        except (pa.ArrowException, OSError) as error:
            raise JobError([Problem(f"cannot read on: {error}", str(self.path), number + 1)]) from None

    def _wanted(self, schema: Any) -> list[str]:
        if missing := sorted(set(self.columns or ()) - set(schema.names)):
            known = ", ".join(schema.names)
            raise JobError([Problem(f"no columns {', '.join(missing)}", str(self.path), hint=f"it has: {known}")])
        names = schema.names if self.columns is None else self.columns
        return [name for name in names if not _holds_bytes(schema.field(name).type)]


def _holds_bytes(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415 - heavy, and only this source needs it

    if types.is_nested(kind):
        return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
    return any(test(kind) for test in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary))


def _plain(batch: Any) -> Any:
    """The batch with every column that JSON has no word for turned into text."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only this source needs it
    from pyarrow import types  # noqa: PLC0415 - same

    fields = [
        field.with_type(pa.string()) if types.is_temporal(field.type) or types.is_decimal(field.type) else field
        for field in batch.schema
    ]
    return pa.Table.from_batches([batch]).cast(pa.schema(fields))
