"""An EPUB, version 2 or 3, as a book."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from valle_engine.books.archive import Archive
from valle_engine.books.book import Book, LeftOut, Warned
from valle_engine.books.chapters import ChapterBuilder, chapter_starts, start_of
from valle_engine.books.documents import BEGINNING, DocumentReader
from valle_engine.books.omissions import document_omission, untyped_notes
from valle_engine.books.package import DOCUMENT_TYPES, Package, Spine, read_package
from valle_engine.books.xml import descendants, parse_leniently, text_of

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def read_epub(path: Path, leave_out: Container[str], depth: int | None) -> Book:
    """Read an EPUB. Raises `JobError` for what is none, is incomplete, locked, or made to do harm."""
    with Archive.open(path) as archive:
        reader = _EpubReader(archive, read_package(archive), leave_out)
        return reader.book(depth)


@dataclass(slots=True)
class _EpubReader:
    """One book being read: what is left out and odd, and where references to notes lead."""

    archive: Archive
    package: Package
    leave_out: Container[str]
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    expected: dict[str, dict[str, str]] = field(default_factory=dict)

    def book(self, depth: int | None) -> Book:
        """Read every document of the spine."""
        starts = chapter_starts(self.package.contents, depth)
        chapters = ChapterBuilder(self.package.metadata.title)
        for spine in self.package.spine:
            if spine.part.media_type in DOCUMENT_TYPES:
                self._document(spine, starts, chapters)
        return Book(
            self.package.metadata,
            chapters.finished(),
            self.package.cover,
            tuple(self.left_out),
            tuple(self.warnings),
        )

    def _document(self, spine: Spine, starts: dict[tuple[str, str], str], chapters: ChapterBuilder) -> None:
        name = spine.part.name
        tree, wrong = parse_leniently(self.archive.read(name), f"{self.archive.path}!{name}")
        if wrong:
            self.warnings.append(Warned(wrong, name))
        kind = document_omission(self.package.kinds.get(name, "")) or ("" if spine.linear else "supplements")
        if kind in self.leave_out:
            text = text_of(next(descendants(tree.getroot(), "body"), None))
            self.left_out.append(LeftOut(kind, name, 0, len(text), text[:BEGINNING]))
            return
        reader = DocumentReader(name, self.leave_out, self.left_out, self.warnings, self._notes(tree, name))
        if not starts:
            chapters.begin(None)
        for number, passage in enumerate(reader.passages(tree)):
            title = start_of(passage, name, starts, first=number == 0)
            if title is not None:
                chapters.begin(title)
            chapters.add(passage.paragraph)

    def _notes(self, tree: Any, name: str) -> dict[Any, str]:
        """What only its links show to be notes, also by references in the documents before."""
        found, outward = untyped_notes(tree.getroot(), name, self.expected.get(name, {}))
        for href, label in outward:
            target = self.archive.find(name, href)
            if target:
                self.expected.setdefault(target[0], {})[target[1]] = label
        return found
