"""Read a book of any kind that is known, and settle what language each of its passages is in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valle_engine.books.book import Chapter, Warned
from valle_engine.books.epub import read_epub
from valle_engine.books.files import TEXTS, read_file, read_folder
from valle_engine.books.marks import primary
from valle_engine.books.omissions import USUAL
from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.books.book import Book

OTHERWISE = "en"
"""The language of a book that says none."""
NOISE_SHARE = 0.5
"""A book whose text claims in larger part to be in another language than the book, does not know what it says."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a book is read: what is left out, its language (empty: as it says), how deep its chapters lie."""

    leave_out: frozenset[str] = frozenset(USUAL)
    language: str = ""
    depth: int | None = None


def read_book(path: Path, reading: Reading | None = None) -> Book:
    """Read an EPUB, a Markdown, HTML or text file, a script, or a folder of those. Raises `JobError`.

    Afterwards `metadata.language` is a code, and a run's language is empty unless it is another one of the six.
    """
    how = reading or Reading()
    if path.is_dir():
        book = read_folder(path, how.leave_out)
    elif path.suffix.lower() in TEXTS:
        book = read_file(path, how.leave_out, how.depth)
    elif path.suffix.lower() == ".epub":
        book = read_epub(path, how.leave_out, how.depth)
    else:
        hint = f"a book is a folder, or a file that ends in .epub, {', '.join(sorted(TEXTS))}"
        raise JobError([Problem("not a kind of book that is known", str(path), hint=hint)])
    if not book.chapters:
        hint = "`valle book inspect` shows what was left out" if book.left_out else ""
        raise JobError([Problem("the book has no text to read", str(path), hint=hint)])
    return _in_its_language(book, how.language, path.name)


def _in_its_language(book: Book, wanted: str, place: str) -> Book:
    """Settle the book's own language, and drop what says another one without being right."""
    from valle_engine.text.languages import LANGUAGES  # noqa: PLC0415 - numpy, which a check of options needs not

    claimed = _claims(book)
    own = primary(wanted or book.metadata.language)
    warnings = list(book.warnings)
    if not own:
        own = next((language for language, share in claimed.items() if language and share > NOISE_SHARE), OTHERWISE)
        warnings.append(Warned(f"the book says no language; it is read as {own!r}", place))
    kept = set()
    for language, share in claimed.items():
        if not language or language == own:
            continue
        if share > NOISE_SHARE:
            message = f"{share:.0%} of the text claims to be {language!r}, the book is {own!r}: the book is believed"
            warnings.append(Warned(message, place))
        elif language not in LANGUAGES:
            warnings.append(Warned(f"passages in {language!r} are read as {own!r}", place))
        else:
            kept.add(language)
    chapters = tuple(_kept(chapter, kept) for chapter in book.chapters)
    metadata = replace(book.metadata, language=own)
    return replace(book, metadata=metadata, chapters=chapters, warnings=tuple(warnings))


def _claims(book: Book) -> dict[str, float]:
    """The share of the text that each language claims."""
    counts: Counter[str] = Counter()
    for chapter in book.chapters:
        for paragraph in chapter.paragraphs:
            for run in paragraph.runs:
                counts[run.language] += len(run.text)
    return {language: count / (counts.total() or 1) for language, count in counts.items()}


def _kept(chapter: Chapter, languages: set[str]) -> Chapter:
    paragraphs = tuple(
        replace(
            paragraph,
            runs=tuple(run if run.language in languages else replace(run, language="") for run in paragraph.runs),
        )
        for paragraph in chapter.paragraphs
    )
    return Chapter(chapter.title, paragraphs)
