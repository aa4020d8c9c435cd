"""`valle book` shows what is in a book, and how it is said."""

import json

import pytest

from tests.books import build
from valle_engine.cli import main

TALE = """\
Chapter I

In 1865 Dinah paid $5, see <sigh>here</sigh>.

She left.

* * *

<voice name="Ann">“Hello!”</voice>
"""
LEXICON = "name: names\nversion: 7\nentries:\n  - {word: Dinah, phonemes: dˈaɪnə}\n  - {word: Snark, say: Boojum}\n"


@pytest.fixture
def book(capsys, tmp_path):
    """The exit code and what `valle book` says, in a folder with a tale, a lexicon and a job."""
    (tmp_path / "tale.txt").write_text(TALE)
    (tmp_path / "names.yaml").write_text(LEXICON)
    (tmp_path / "job.yaml").write_text(
        "name: t\ntask: espeak\nitems: {kind: book, path: tale.txt, lexicons: [names.yaml], roles: {Ann: +f2}}\n"
    )
    (tmp_path / "lines.yaml").write_text("name: t\ntask: espeak\nitems: [{id: a, text: x}]\n")

    def book(*arguments):
        code = main(["book", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out + told.err

    book.folder = tmp_path
    return book


def test_a_book_is_inspected(book):
    code, told = book("inspect", build.BOOK)
    assert code == 0
    assert f"{build.TITLE}, by Joseph Jacobs and Lewis Carroll" in told
    assert "language: en; cover: EPUB/cover.png" in told
    assert "7 chapters" in told
    assert "II. The Hare and the Tortoise" in told
    assert "left out: notes (footnotes and endnotes), once\n      EPUB/notes.xhtml:" in told


def test_an_inspection_is_told_in_json(book):
    code, told = book("inspect", build.BOOK, "--json")
    [facts] = json.loads(told)["books"]
    assert code == 0
    assert facts["hours"] == pytest.approx(sum(each["seconds"] for each in facts["chapters"]) / 3600)
    assert [each["number"] for each in facts["chapters"]] == list(range(1, 8))
    assert {"what", "place", "line", "characters", "beginning"} == facts["left_out"][0].keys()
    assert (facts["languages"].keys(), facts["speakers"].keys()) == ({"en"}, {"narrator"})


def test_several_books_and_their_speakers_are_inspected(book):
    code, told = book("inspect", book.folder / "tale.txt", build.BOOK)
    assert code == 0
    assert told.count(" chapters, ") == 2
    assert "speakers: narrator (3 lines), Ann (1 lines)" in told
    assert "warning: tale.txt:3: the mark <sigh> is not known and is dropped" in told


def test_written_and_spoken_text_stand_side_by_side(book):
    code, told = book("text", book.folder / "tale.txt", "--lexicon", book.folder / "names.yaml")
    assert code == 0
    assert (
        "  - In 1865 Dinah paid $5, see here.\n  + In eighteen sixty-five Dinah paid five dollars, see here.\n" in told
    )
    assert "      Dinah -> /dˈaɪnə/  (lexicon names 7: Dinah)" in told
    assert "lexicon names 7: Dinah 1\n  never found: Snark\n" in told
    assert "said otherwise than written: lines 2, roman 1, number 1, lexicon names 7 1, money 1" in told
    assert "She left" not in told


def test_all_lines_of_a_chapter_may_be_shown(book):
    _, told = book("text", book.folder / "tale.txt", "--all", "--chapter", "1")
    assert "chapter 1, narrator, en\n  - She left." in told
    assert "chapter 1, Ann, en" in told
    assert "written: lines 0" in book("text", book.folder / "tale.txt", "--chapter", "9")[1]


def test_text_is_told_in_json(book):
    _, told = book("text", book.folder / "job.yaml", "--json")
    facts = json.loads(told)
    assert [line["written"] for line in facts["lines"]][-2:] == ["She left.", "“Hello!”"]
    assert facts["lexicons"] == [{"lexicon": "names", "version": "7", "hits": {"Dinah": 1, "Snark": 0}}]
    assert {"written": "$5", "spoken": "five dollars", "rule": "money"} in facts["lines"][1]["changes"]


def test_no_text_of_a_book_acts_on_the_terminal(book):
    path = book.folder / "bad.txt"
    path.write_text("1 \x9b2J and \u202e2\n")
    for told in (book("text", path, "--all")[1], book("inspect", path)[1]):
        assert not set(told) & {"\x9b", "\u202e"}


def test_a_job_s_own_options_hold(book):
    assert "lexicon names 7: Dinah 1" in book("text", book.folder / "job.yaml")[1]


def test_the_language_may_be_said(book):
    assert "achtzehnhundertfünfundsechzig" in book("text", book.folder / "tale.txt", "--language", "de")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "none.epub"], "none.epub: no such file"),
        (["text", "tale.txt", "--lexicon", "none.yaml"], "none.yaml: no such file"),
        (["inspect", "lines.yaml"], "the job's items are no book, but 'inline'"),
        (["inspect", "job.yaml", "--language", "de"], "a job says both itself"),
        (["inspect", "names.yaml"], "names.yaml"),
    ],
)
def test_what_cannot_be_shown_is_told(book, arguments, words):
    action, *rest = arguments
    code, told = book(
        action, *(each if each.startswith("-") or "." not in each else book.folder / each for each in rest)
    )
    assert code == 3
    assert words in told
