"""The book of the jobs."""

from tests.books import build
from tests.books.shown import chapters, left_out, warnings
from valle_engine.books import read_book


def test_the_book_of_the_jobs_is_what_its_tool_builds():
    assert build.BOOK.read_bytes() == build.epub(), "run `python -m tests.books.build`"
    assert build.BOOK.stat().st_size < 200_000


def test_it_is_read_as_a_person_would():
    book = read_book(build.BOOK)
    titles = [title for title, _ in chapters(book)]
    assert titles[0] == build.TITLE
    assert titles[1:] == [f"{build.ROMANS[n]}. {chapter.title}" for n, chapter in enumerate(build.chapters())]
    assert {kind for kind, _ in left_out(book)} == {"notes", "note-references", "page-breaks", "contents", "copyright"}
    assert not warnings(book)
    said = " ".join(text for _, texts in chapters(book) for text in texts)
    assert "winning-post and could not" in said
    assert book.cover.data == build.cover()
