"""The book that lines were read from: its metadata and cover."""

from __future__ import annotations

from pathlib import Path


def facts_of(source: str) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """What a book's file says of itself, and its cover as type and bytes; nothing for lines from elsewhere.

    Raises `JobError` when the book cannot be read any more.
    """
    if not source or not Path(source).exists():
        return {}, None
    from valle_engine.books import read_book  # noqa: PLC0415 - loads lxml

    book = read_book(Path(source))
    about = book.metadata
    facts = {
        "title": about.title,
        "author": ", ".join(about.authors),
        "publisher": about.publisher,
        "date": about.date,
        "description": about.description,
        "language": about.language,
    }
    return facts, (book.cover.media_type, book.cover.data) if book.cover else None
