"""Items from a file with one JSON object a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import orjson
from pydantic import Field

from valle_engine import Row, Source
from valle_plugins.sources.lines import numbered_lines


class JsonLines(Source):
    """One JSON object a line; `.gz` is read as it is. Empty lines are no items."""

    name: ClassVar[str] = "jsonl"

    path: Path = Field(description="The file.")

    def rows(self) -> Iterator[Row]:
        """Stream the objects with their lines."""
        for number, line in numbered_lines(self.path):
            if line.isspace():
                continue
            try:
                fields = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield Row(number, {}, f"not valid JSON: {error}")
                continue
            if isinstance(fields, dict):
                yield Row(number, fields)
            else:
                yield Row(number, {}, 'not a JSON object, such as {"id": "0001", "text": "..."}')
