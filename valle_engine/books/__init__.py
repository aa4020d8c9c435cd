"""Books to lines that a task can speak. Importing it loads neither lxml nor the libraries of numbers and sentences."""

from valle_engine.books.archive import Archive
from valle_engine.books.book import Book, Chapter, Cover, LeftOut, Metadata, Paragraph, Run, Warned
from valle_engine.books.reading import Reading, read_book
from valle_engine.books.xml import parse_document

__all__ = [
    "Archive",
    "Book",
    "Chapter",
    "Cover",
    "LeftOut",
    "Metadata",
    "Paragraph",
    "Reading",
    "Run",
    "Warned",
    "parse_document",
    "read_book",
]
