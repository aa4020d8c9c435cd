"""Books that are files of text: Markdown, HTML, plain text, a script, or a folder with a chapter a file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from valle_engine.books.book import Book, Cover, LeftOut, Metadata, Warned
from valle_engine.books.chapters import ChapterBuilder
from valle_engine.books.documents import DocumentReader
from valle_engine.books.markdown import markdown_as_html
from valle_engine.books.omissions import HEADINGS, untyped_notes
from valle_engine.books.plain import text_as_html
from valle_engine.books.script import script_as_html
from valle_engine.books.xml import attribute, descendants, local_name, parse_leniently, text_of
from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from pathlib import Path

    from valle_engine.books.documents import Passage

MAX_FILE = 64 * 2**20
MAX_FILES = 5000
MARKDOWN, HTML, SCRIPT, PLAIN = {".md", ".markdown"}, {".html", ".xhtml", ".htm"}, {".jsonl"}, {".txt", ".text"}
TEXTS = frozenset(MARKDOWN | HTML | SCRIPT | PLAIN)
COVERS = {"cover.jpg": "image/jpeg", "cover.jpeg": "image/jpeg", "cover.png": "image/png"}
_DIGITS = re.compile(r"(\d+)")


class Document(NamedTuple):
    """A file as a tree; `titles` are those of its chapters by the `id` they begin at, where the file says so."""

    tree: Any
    metadata: Metadata = Metadata()
    titles: Mapping[str, str] = MappingProxyType({})


def read_file(path: Path, leave_out: Container[str], depth: int | None) -> Book:
    """Read a book from one file. Raises `JobError`."""
    reader = _FileReader(leave_out)
    document = reader.document(path)
    chapters = ChapterBuilder(document.metadata.title or path.stem)
    level = depth or chapter_level(document.tree.getroot())
    for passage in reader.passages(path, document):
        begun = next((document.titles[each] for each in sorted(passage.ids) if each in document.titles), None)
        if begun is not None or (not document.titles and 0 < passage.level <= level):
            chapters.begin(begun)
        chapters.add(passage.paragraph)
    return reader.book(document.metadata, chapters)


def read_folder(folder: Path, leave_out: Container[str]) -> Book:
    """Read a book from a folder: each file is a chapter, in the order of their names, 2 before 10. Raises `JobError`.

    A picture called `cover.jpg` or `cover.png` is the cover.
    """
    files = _chapter_files(folder)
    reader = _FileReader(leave_out)
    chapters = ChapterBuilder(folder.name)
    metadata = Metadata()
    for path in files:
        document = reader.document(path)
        metadata = metadata if metadata != Metadata() else document.metadata
        chapters.begin(document.metadata.title or None)
        for passage in reader.passages(path, document):
            chapters.add(passage.paragraph)
    return reader.book(metadata, chapters, _cover(folder))


def chapter_level(root: Any) -> int:
    """The level of the headings that begin chapters: the first that occurs more than once, else the first of all."""
    counts = Counter(local_name(each) for each in descendants(root, *HEADINGS))
    levels = sorted(int(name[1]) for name in counts)
    return next((level for level in levels if counts[f"h{level}"] > 1), levels[0] if levels else 1)


@dataclass(slots=True)
class _FileReader:
    """Files being read: what is left out and odd in all of them."""

    leave_out: Container[str]
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)

    def document(self, path: Path) -> Document:
        """One file as a tree."""
        kind, data = path.suffix.lower(), _read(path)
        if kind in HTML:
            document = self._parsed(data, path)
            return document._replace(metadata=_html_metadata(document.tree.getroot()))
        text = _decoded(data, path)
        if kind in MARKDOWN:
            html, metadata = markdown_as_html(text, str(path))
            return self._parsed(html.encode(), path)._replace(metadata=metadata)
        if kind in SCRIPT:
            html, titles = script_as_html(text, str(path))
            return self._parsed(html.encode(), path)._replace(titles=titles)
        html = text_as_html(text, path.name, self.leave_out, self.left_out)
        return self._parsed(html.encode(), path)

    def passages(self, path: Path, document: Document) -> Iterator[Passage]:
        """The paragraphs of a file."""
        notes, _ = untyped_notes(document.tree.getroot(), path.name, {})
        reader = DocumentReader(path.name, self.leave_out, self.left_out, self.warnings, notes)
        return reader.passages(document.tree)

    def book(self, metadata: Metadata, chapters: ChapterBuilder, cover: Cover | None = None) -> Book:
        """What was read."""
        return Book(metadata, chapters.finished(), cover, tuple(self.left_out), tuple(self.warnings))

    def _parsed(self, data: bytes, path: Path) -> Document:
        tree, wrong = parse_leniently(data, str(path))
        if wrong:
            self.warnings.append(Warned(wrong, path.name))
        return Document(tree)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise JobError([Problem(f"cannot read the book: {error.strerror}", str(path))]) from None
    if len(data) > MAX_FILE:
        raise JobError([Problem(f"more than {MAX_FILE // 2**20} MiB of text", str(path), hint="no book is that long")])
    return data


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JobError([Problem("not valid UTF-8", str(path), line, hint="save it as UTF-8")]) from None


def _html_metadata(root: Any) -> Metadata:
    named = {attribute(meta, "name").lower(): attribute(meta, "content") for meta in descendants(root, "meta")}
    return Metadata(
        title=text_of(next(descendants(root, "title"), None)),
        authors=tuple(name for key in ("author", "dc.creator") if (name := named.get(key, ""))),
        language=attribute(root, "lang") or named.get("dc.language", ""),
        date=named.get("date", ""),
        description=named.get("description", ""),
    )


def _chapter_files(folder: Path) -> list[Path]:
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in TEXTS and not path.name.startswith(".")]
    except OSError as error:
        raise JobError([Problem(f"cannot read the folder: {error.strerror}", str(folder))]) from None
    if not files:
        kinds = ", ".join(sorted(TEXTS))
        raise JobError([Problem("no chapters in the folder", str(folder), hint=f"files that end in {kinds} are")])
    if len(files) > MAX_FILES:
        raise JobError([Problem(f"{len(files):,} files, a book may have {MAX_FILES:,}", str(folder))])
    return sorted(files, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """The order of people: numbers by their value."""
    pieces = _DIGITS.split(path.stem.casefold())
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces if piece], path.name


def _cover(folder: Path) -> Cover | None:
    for name, kind in COVERS.items():
        if (folder / name).is_file():
            return Cover(name, kind, _read(folder / name))
    return None
