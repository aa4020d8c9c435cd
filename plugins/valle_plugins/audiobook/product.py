"""A finished audiobook of the lines of a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.errors import ValleError
from valle_engine.parts import Product
from valle_plugins.audiobook.about import About
from valle_plugins.audiobook.book import Book
from valle_plugins.audiobook.container import BookFormat
from valle_plugins.audiobook.lines import Pauses, books
from valle_plugins.audiobook.subtitles import Subtitles

if TYPE_CHECKING:
    from valle_engine.parts import FinishedRun

WORK = ".audiobook-work"
"""Folder of files that are being written."""
NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,99}$"


class Audiobook(Product):
    """Chapters joined with pauses, at one loudness, with chapters, cover and tags; one folder a book.

    Each book stands in `folder/author/title/`. Beside it stand the report (what was measured, which lines a person
    should listen to, how it was made) and what Audiobookshelf reads. A book whose lines and options are what they were
    is not written again.
    """

    name: ClassVar[str] = "audiobook"

    format: BookFormat = Field("m4b", description="File format.")
    per_chapter: bool = Field(False, description="One file a chapter instead of one a book.")  # noqa: FBT003 - an option's default
    longest: float = Field(
        24.0, gt=0, description="Hours of a file; a longer book becomes several. Many players count no further."
    )
    folder: str = Field("audiobook", pattern=NAME_PATTERN, description="Folder in the output folder.")
    bit_rate: int = Field(64_000, ge=16_000, le=320_000, description="Bits a second; FLAC has none.")
    loudness: float = Field(-18.0, ge=-40, le=-8, description="Loudness of the whole book, in LUFS (EBU R128).")
    peak: float = Field(-1.0, ge=-20, le=0, description="Highest true peak, in dBTP; it goes before the loudness.")
    pauses: Pauses = Field(default_factory=Pauses, description="Silence between lines.")
    about: About = Field(default_factory=About, description="Title and makers, where the book does not tell them.")
    cover: Path | None = Field(None, description="Picture for the cover, instead of the book's own.")
    subtitles: list[Subtitles] = Field(default_factory=list, description="Text to read along: srt, vtt.")
    read_along: bool = Field(False, description="Also an EPUB 3 that highlights what is spoken.")  # noqa: FBT003 - same
    incomplete: bool = Field(False, description="Make a book although lines of it have no sound.")  # noqa: FBT003 - same

    def make(self, run: FinishedRun) -> Path:
        """Write every book of the run; returns their folder. Raises `ValleError` for books that cannot be made."""
        top = run.folder / self.folder
        top.mkdir(exist_ok=True)
        # What a killed run has left there is of no use: a book comes to its place whole.
        shutil.rmtree(top / WORK, ignore_errors=True)
        (top / WORK).mkdir()
        try:
            problems = self._make_books(run, top)
        finally:
            shutil.rmtree(top / WORK)
        if problems:
            raise ValleError("; ".join(problems))
        return top

    def _make_books(self, run: FinishedRun, top: Path) -> list[str]:
        made = run.recipe()
        problems: list[str] = []
        folders: set[Path] = set()
        for key, stream in books(run):
            book = Book(self, key or run.name, list(stream), made)
            if book.folder(top) in folders:
                problems.append(f"two books are called {book.title!r}: give them titles or authors of their own")
                continue
            folders.add(book.folder(top))
            if problem := book.write(book.folder(top), top / WORK):
                problems.append(problem)
        if len(folders) > 1 and self.about.title:
            problems.append("`about.title` names one book, the job has several")
        return problems
