"""Transcripts that are there already: in a column, in what the task itself gave, or in a file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import orjson
from pydantic import Field, model_validator

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.parts import OpenTranscriber, Transcriber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.parts import Take
    from valle_engine.records import Clip


class Given(Transcriber):
    """Take transcripts from a column of the items, from a value that the task gave, or from a file by the items' ids.

    A file is JSON lines with `id` and `text`, or lines of an id, white space and the text. A transcriber of the task
    `stt` scores with `value: phonemes`.
    """

    name: ClassVar[str] = "given"
    listens: ClassVar[bool] = False

    column: str = Field("", description="Column of the items.")
    value: str = Field("", description="Value of the outcome.")
    file: Path | None = Field(None, description="File of transcripts.")
    form: Literal["text", "phonemes"] = Field("text", description="What they are written in.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.column, self.value, self.file))) != 1:
            raise ValueError("transcripts come from one of `column`, `value` and `file`")
        return self

    @property
    def writes(self) -> Literal["text", "phonemes"]:  # type: ignore[override]  # an option decides it
        """What they are written in."""
        return self.form

    def fields(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column} if self.column else ())

    def known(self, take: Take) -> str:
        """The transcript of a take. Raises `ItemError` where there is none."""
        found = self._found(take)
        if found is None:
            where = self.file or f"{'column' if self.column else 'value'} {self.column or self.value!r}"
            raise ItemError(f"there is no transcript of {take.outcome.id} in {where}")
        return str(found)

    def open(self, device: str) -> OpenTranscriber:  # noqa: ARG002 - nothing is loaded
        """Nobody listens."""
        return _Deaf()

    def _found(self, take: Take) -> object:
        if self.column:
            return take.fields.get(self.column)
        return take.outcome.values.get(self.value) if self.value else self._kept.get(take.outcome.id)

    @cached_property
    def _kept(self) -> dict[str, str]:
        return read_transcripts(self.file) if self.file else {}


class _Deaf(OpenTranscriber):
    def transcribe(self, clips: Sequence[Clip], languages: Sequence[str]) -> list[str]:  # noqa: ARG002 - for nobody
        raise ItemError("transcripts are given, nobody listens")


def read_transcripts(path: Path) -> dict[str, str]:
    """Transcripts by id. Raises `CheckpointError` for a file that holds something else."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item, text = _read(line)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path}:{number}: no transcript: {error}") from None
        found[item] = text
    return found


def _read(line: str) -> tuple[str, str]:
    if line.startswith("{"):
        row = orjson.loads(line)
        return str(row["id"]), str(row["text"])
    item, _, text = line.strip().partition("\t" if "\t" in line else " ")
    return item, text.strip()
