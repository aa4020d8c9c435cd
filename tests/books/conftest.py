"""Books as they are read."""

import pytest

from tests.books import epubs
from valle_engine.books import Reading, read_book


@pytest.fixture
def epub(tmp_path):
    """Read an EPUB of bodies."""

    def epub(*bodies, leave_out=None, language="", depth=None, **options):
        path = epubs.simple(tmp_path / "book.epub", *bodies, **options)
        reading = Reading(language=language, depth=depth)
        return read_book(path, reading if leave_out is None else Reading(frozenset(leave_out), language, depth))

    return epub


@pytest.fixture
def file(tmp_path):
    """Read a file of a name with a text."""

    def file(name, text, **reading):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_book(path, Reading(**reading))

    return file
