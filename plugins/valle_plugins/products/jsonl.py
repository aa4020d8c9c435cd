"""The outcomes as JSON, one object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson
from pydantic import Field

from valle_engine.store.atomic import replacing
from valle_plugins.products.table import FILE_PATTERN, Table, rows

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.parts import FinishedRun


class JsonLines(Table):
    """One JSON object a line for each item; the whole file is written anew, so a torn one heals."""

    name: ClassVar[str] = "jsonl"

    file: str = Field("outcomes.jsonl", pattern=FILE_PATTERN, description="Name of the file in the output folder.")

    def make(self, run: FinishedRun) -> Path:
        """Write the lines."""
        path = self.path(run)
        with replacing(path) as file:
            file.writelines(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE) for row in rows(run))
        return path
