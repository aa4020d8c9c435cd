"""The lines of a book as a run left them, and where each stands in the finished sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from valle_engine.errors import ValleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from valle_engine.parts import FinishedRun
    from valle_engine.records import Outcome


class Pauses(BaseModel):
    """Seconds of silence between lines; a line's own `pause_after` and `pause_before` go before these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: float = Field(0.25, ge=0, le=60, description="Between lines of one paragraph.")
    paragraph: float = Field(0.6, ge=0, le=60, description="Between paragraphs.")
    scene: float = Field(1.5, ge=0, le=60, description="Before a new scene.")
    heading: float = Field(1.0, ge=0, le=60, description="After a heading.")
    chapter: float = Field(2.0, ge=0, le=60, description="At the end of a chapter.")
    start: float = Field(0.5, ge=0, le=60, description="Before the first line of a file.")


@dataclass(frozen=True, slots=True)
class Line:
    """One line to speak and what became of it; `path` is None when there is no sound of it.

    `samples` and `rate` are those of the file. `doubt` says why a person should listen to it, empty for a good one.
    """

    id: str
    book: str
    chapter: int
    title: str
    paragraph: int
    heading: bool
    scene: bool
    speaker: str
    written: str
    source: str
    place: str
    element: str
    pause_before: float | None
    pause_after: float | None
    path: Path | None
    sha256: str
    samples: int
    rate: int
    doubt: str

    def samples_at(self, rate: int) -> int:
        """Length of its sound at another rate, as resampling gives it."""
        return -(-self.samples * rate // self.rate) if self.path else 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A line in the finished sound: its silence before it and its own sound, in samples from the file's start."""

    line: Line
    begin: int
    start: int
    end: int


def books(run: FinishedRun) -> Iterator[tuple[str, Iterator[Line]]]:
    """Stream the lines of a run book by book, in the manifest's order."""
    lines = (_line(fields, outcome, run.folder) for fields, outcome in run.outcomes())
    return groupby(lines, key=lambda line: line.book)


def laid_out(lines: Iterable[Line], pauses: Pauses, rate: int) -> Iterator[Spot]:
    """Give every line its place in one file at `rate` Hz; the file ends with the pause of a chapter's end."""
    position, before = 0, None
    for line in lines:
        silence = pauses.start if before is None else _pause(before, line, pauses)
        start = position + round(silence * rate)
        end = start + line.samples_at(rate)
        yield Spot(line, position, start, end)
        position, before = end, line


def _pause(before: Line, line: Line, pauses: Pauses) -> float:
    if line.pause_before is not None:
        return line.pause_before
    if before.pause_after is not None:
        return before.pause_after
    if line.chapter != before.chapter:
        return pauses.chapter
    if line.scene:
        return pauses.scene
    if before.heading:
        return pauses.heading
    return pauses.paragraph if line.paragraph != before.paragraph else pauses.line


def _line(fields: Mapping[str, Any], outcome: Outcome, folder: Path) -> Line:
    text = str(fields.get("text") or "")
    file = outcome.file if outcome.file and outcome.file.rate else None
    return Line(
        id=outcome.id,
        book=str(fields.get("book") or ""),
        chapter=_number(fields, "chapter", outcome.id),
        title=str(fields.get("chapter_title") or ""),
        paragraph=_number(fields, "paragraph", outcome.id),
        heading=fields.get("kind") == "heading",
        scene=bool(fields.get("scene")),
        speaker=str(fields.get("speaker") or fields.get("voice") or ""),
        written=str(fields.get("written") or text),
        source=str(fields.get("source") or ""),
        place=str(fields.get("place") or ""),
        element=str(fields.get("element") or ""),
        pause_before=_seconds(fields, "pause_before", outcome.id),
        pause_after=_seconds(fields, "pause_after", outcome.id),
        path=folder / file.path if file else None,
        sha256=file.sha256 if file else "",
        samples=file.samples if file else 0,
        rate=file.rate if file else 0,
        doubt=_doubt(outcome),
    )


def _doubt(outcome: Outcome) -> str:
    if outcome.state == "done":
        return ""
    said = outcome.failure.message if outcome.failure else outcome.state
    return f"{outcome.state}: {said}"


def _number(fields: Mapping[str, Any], name: str, item: str) -> int:
    value = fields.get(name)
    try:
        return int(value) if value not in {None, ""} else 0
    except (TypeError, ValueError):
        raise ValleError(f"item {item!r}: {name} is {value!r}; an audiobook needs a number there") from None


def _seconds(fields: Mapping[str, Any], name: str, item: str) -> float | None:
    value = fields.get(name)
    if value in {None, ""}:
        return None
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 600:
        raise ValleError(f"item {item!r}: {name} is {value!r}; an audiobook needs seconds there, up to 600")
    return seconds
