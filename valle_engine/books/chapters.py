"""Where chapters begin: by a table of contents, by documents, or by headings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valle_engine.books.book import Chapter, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from valle_engine.books.documents import Passage
    from valle_engine.books.package import Entry


@dataclass(slots=True)
class ChapterBuilder:
    """Gathers paragraphs into chapters; what comes before the first one is a chapter of its own, `front`."""

    front: str
    chapters: list[Chapter] = field(default_factory=list)
    _title: str | None = None
    _paragraphs: list[Paragraph] = field(default_factory=list)

    def begin(self, title: str | None) -> None:
        """Begin a chapter; without a title it takes that of its first heading."""
        self._finish()
        self._title = title

    def add(self, paragraph: Paragraph) -> None:
        """Add a paragraph to the chapter."""
        self._paragraphs.append(paragraph)

    def finished(self) -> tuple[Chapter, ...]:
        """All chapters that have a text."""
        self._finish()
        return tuple(self.chapters)

    def _finish(self) -> None:
        paragraphs, self._paragraphs = self._paragraphs, []
        if any(paragraph.text for paragraph in paragraphs):
            title = self._title or first_heading(paragraphs) or ("" if self.chapters else self.front)
            self.chapters.append(Chapter(title, tuple(paragraphs)))


def first_heading(paragraphs: Iterable[Paragraph]) -> str:
    """The text of the headings at the start, on one line; empty when none stands there."""
    found: list[str] = []
    for paragraph in paragraphs:
        if paragraph.kind != "heading":
            break
        found.append(" ".join(paragraph.text.split()))
    return ". ".join(found[:2])


def chapter_starts(contents: Sequence[Entry], depth: int | None) -> dict[tuple[str, str], str]:
    """Titles of the entries that begin a chapter, by document and fragment.

    With a depth, all entries down to it. Else the top entries (those below, if there is one alone at the top), and
    deeper ones that lead to another document than the entry above them.
    """
    tops = [entry for entry in contents if entry.depth == 1]
    top = 2 if len(tops) == 1 and len(contents) > 1 else 1
    starts: dict[tuple[str, str], str] = {}
    above: list[Entry] = []
    for entry in contents:
        above = [each for each in above if each.depth < entry.depth]
        elsewhere = bool(above) and above[-1].name != entry.name
        if entry.depth <= (depth or top) or (depth is None and elsewhere):
            starts.setdefault((entry.name, entry.fragment), entry.title)
        above.append(entry)
    return starts


def start_of(passage: Passage, name: str, starts: Mapping[tuple[str, str], str], *, first: bool) -> str | None:
    """The title of the chapter that begins with a passage; None when none does."""
    if first and (name, "") in starts:
        return starts[name, ""]
    return next((starts[name, each] for each in sorted(passage.ids) if (name, each) in starts), None)
