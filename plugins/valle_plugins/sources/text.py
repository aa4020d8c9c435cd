"""Items from plain text."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from valle_engine import Row, Source
from valle_plugins.sources.lines import numbered_lines


class Text(Source):
    """Plain text: a line or a paragraph an item, with the ids 0001, 0002, … in the order of the text.

    A paragraph ends at an empty line; its lines are joined by spaces. Empty lines are no items and have no number.
    """

    name: ClassVar[str] = "text"

    path: Path = Field(description="The file, in UTF-8.")
    unit: Literal["line", "paragraph"] = Field("line", description="What makes one item.")
    prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,64}$", description="Stands before the number in each id.")
    digits: int = Field(4, ge=1, le=18, description="Digits of an id, filled up with zeros.")

    def rows(self) -> Iterator[Row]:
        """Stream `id` and `text`; the line of a paragraph is its first one."""
        units = self._lines() if self.unit == "line" else self._paragraphs()
        for number, (line, text) in enumerate(units, start=1):
            fields = {"id": f"{self.prefix}{number:0{self.digits}}"}
            try:
                yield Row(line, {**fields, "text": text.decode()})
            except UnicodeDecodeError:
                yield Row(line, fields, "not valid UTF-8")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        return ((number, line.strip()) for number, line in numbered_lines(self.path) if not line.isspace())

    def _paragraphs(self) -> Iterator[tuple[int, bytes]]:
        first, lines = 0, list[bytes]()
        for number, line in numbered_lines(self.path):
            if not line.isspace():
                first = first if lines else number
                lines.append(line.strip())
            elif lines:
                yield first, b" ".join(lines)
                lines.clear()
        if lines:
            yield first, b" ".join(lines)
