"""The items that a job file holds itself, as a source."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import ConfigDict

from valle_engine.job.yaml import PackedItems
from valle_engine.parts import Row, Source


class Inline(Source):
    """Items written in the job file. All their plain values are text; the task's fields say what they are."""

    name: ClassVar[str] = "inline"

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: str
    items: PackedItems

    def rows(self) -> Iterator[Row]:
        """Stream the items with the lines they begin at."""
        for line, fields in self.items:
            if isinstance(fields, dict):
                yield Row(line, fields)
            else:
                yield Row(line, {}, "an item is a mapping, such as {id: line-1, text: Good morning.}")

    def place(self) -> str:
        """The job file."""
        return self.file
