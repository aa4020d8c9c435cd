"""Items from a table of text: CSV or TSV."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from valle_engine import Row, Source
from valle_engine.errors import JobError, Problem
from valle_plugins.sources.lines import numbered_lines

_CHARACTERS = {"comma": ",", "tab": "\t", "semicolon": ";"}


class Table(Source):
    """A CSV or TSV file whose first line names the columns; an empty cell is an absent field.

    Quotes are those of CSV, except that a TSV file has none: its cells are taken as they stand. `.gz` is read as it is.
    """

    name: ClassVar[str] = "csv"

    path: Path = Field(description="The file.")
    delimiter: Literal["comma", "tab", "semicolon"] | None = Field(
        None, description="What parts the cells; by default a tab for .tsv and a comma otherwise."
    )

    def rows(self) -> Iterator[Row]:
        """Stream the rows with the line each one ends in. Raises `JobError` for a header that names no columns."""
        reader = self._reader()
        columns = self._header(reader)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(reader.line_num, {}, f"not valid CSV: {error}")
                continue
            if cells is None:
                return
            if cells:
                yield self._row(reader.line_num, columns, cells)

    def _reader(self) -> Any:
        # A byte that is no UTF-8 must spoil its own row only, so it travels as a lone surrogate to `_row`.
        lines = (line.decode("utf-8", "surrogateescape") for _, line in numbered_lines(self.path))
        if self._delimiter() == "tab":
            return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return csv.reader(lines, delimiter=_CHARACTERS[self._delimiter()], strict=True)

    def _delimiter(self) -> str:
        if self.delimiter:
            return self.delimiter
        return "tab" if ".tsv" in self.path.suffixes[-2:] else "comma"

    def _header(self, reader: Any) -> list[str]:
        try:
            columns: list[str] = next(reader, [])
        except csv.Error as error:
            raise JobError([Problem(f"not valid CSV: {error}", str(self.path), 1)]) from None
        if not any(columns):
            raise JobError([Problem("the first line names no columns", str(self.path), 1)])
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise JobError([Problem(f"columns named twice: {', '.join(map(repr, twice))}", str(self.path), 1)])
        return columns

    @staticmethod
    def _row(line: int, columns: list[str], cells: list[str]) -> Row:
        if len(cells) != len(columns):
            return Row(line, {}, f"{len(cells)} cells, the first line names {len(columns)} columns")
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            return Row(line, {}, "not valid UTF-8")
        return Row(line, {column: cell for column, cell in zip(columns, cells, strict=True) if cell})
