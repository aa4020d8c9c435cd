"""Books as pandoc 3.9 made them of `made/source.md`: `pandoc source.md -t epub3 --toc --split-level=2`."""

from pathlib import Path

import pytest

from tests.books.shown import chapters, left_out, warnings
from valle_engine.books import read_book

MADE = Path(__file__).with_name("made")
CHAPTERS = [
    ("A Pandoc Book", ["A Pandoc Book", "Ann Author", "Bob Writer", "P"]),
    ("Part One", ["Part One", "Intro to the part."]),
    (
        "Chapter 1: Begin",
        [
            "Chapter 1: Begin",
            "It was a dark night. “Hello,” she said in French: je ne sais pas quoi dire.",
            "After the break stressed text2 and H2O. code",
            "A section",
            "More text. Math x2 + y.",
            *"ab12",
        ],
    ),
    ("Chapter 2", ["Chapter 2", "Text with an inline note.", "A quotation."]),
    ("Part Two", ["Part Two"]),
    ("Chapter 3", ["Chapter 3", "The end."]),
]


def test_an_epub_3_of_pandoc_is_read_as_a_person_would():
    book = read_book(MADE / "pandoc-epub3.epub")
    assert chapters(book) == CHAPTERS
    assert sorted({kind for kind, _ in left_out(book)}) == [
        "contents",
        "copyright",
        "note-references",
        "notes",
        "page-breaks",
    ]
    assert not warnings(book)


def test_an_epub_2_of_pandoc_too_where_no_types_can_say_what_things_are():
    book = read_book(MADE / "pandoc-epub2.epub")
    found = chapters(book)
    found[3][1].remove("12")  # a page break that EPUB 2 has no word for
    assert found == CHAPTERS
    assert {"contents", "note-references", "notes"} <= {kind for kind, _ in left_out(book)}


@pytest.mark.parametrize("name", ["pandoc-epub2.epub", "pandoc-epub3.epub"])
def test_what_pandoc_says_of_a_book(name):
    about = read_book(MADE / name).metadata
    assert (about.title, about.authors, about.language, about.publisher) == (
        "A Pandoc Book",
        ("Ann Author", "Bob Writer"),
        "en",
        "P",
    )
