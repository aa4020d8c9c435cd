"""Items from books."""

from typing import ClassVar

from valle_engine.books.source import BookSource


class Book(BookSource):
    """A book, or several, line by line: chapters and headings in reading order, what nobody reads aloud left out.

    `text` is what is said, `written` what the book has; `language`, `speaker`, `chapter`, `chapter_title`, `paragraph`
    and `kind` say where a line belongs. An id is made of what the line says: an edit leaves all other ids alone.
    """

    name: ClassVar[str] = "book"
