"""Books that are no EPUB."""

import pytest

from tests.books.shown import chapters, left_out, texts, warnings
from valle_engine.books import read_book
from valle_engine.errors import JobError

MARKDOWN = """\
---
title: A Book
author: [Ann, {text: Bob}]
lang: en-GB
---

# Front

## One

Text with *stress*[^1], a "quote" and 2 < 3.

* * *

> After the break

## Two

1. First
2. Second

[^1]: A note.
"""


def test_markdown_is_read_by_its_headings(file):
    book = file("a.md", MARKDOWN)
    assert chapters(book) == [
        ("Front", ["Front"]),
        ("One", ["One", 'Text with stress, a "quote" and 2 < 3.', "After the break"]),
        ("Two", ["Two", "First", "Second"]),
    ]
    assert (book.metadata.title, book.metadata.authors, book.metadata.language) == ("A Book", ("Ann", "Bob"), "en")
    assert [kind for kind, _ in left_out(book)] == ["note-references", "notes"]
    [_, one, _] = book.chapters
    assert [paragraph.line for paragraph in one.paragraphs] == [9, 11, 15]
    assert one.paragraphs[2].scene


def test_the_depth_of_chapters_may_be_said(file):
    assert [title for title, _ in chapters(file("a.md", MARKDOWN, depth=1))] == ["Front. One"]


def test_a_front_matter_that_is_no_yaml_is_told(file):
    with pytest.raises(JobError, match=r"a\.md:2: not valid YAML|front matter|not valid YAML"):
        file("a.md", "---\ntitle: [\n---\ntext")


TEXT = """\
Title

CHAPTER I. Down the
Rabbit-Hole

It was _very_ odd, said
Alice.

* * *

Then <break time="2s"/> nothing. Part of it was 5 < 6.

Chapter the Second

Part one of the plan was simple.

Prologue

x
"""


def test_text_is_read_by_its_blank_lines_and_headings(file):
    book = file("tale.txt", TEXT)
    assert chapters(book) == [
        ("tale", ["Title"]),
        (
            "CHAPTER I. Down the Rabbit-Hole",
            ["CHAPTER I. Down the\nRabbit-Hole", "It was very odd, said Alice.", "Then nothing. Part of it was 5 < 6."],
        ),
        ("Chapter the Second", ["Chapter the Second", "Part one of the plan was simple."]),
        ("Prologue", ["Prologue", "x"]),
    ]
    odd = book.chapters[1].paragraphs[1]
    assert (odd.line, [run.text for run in odd.runs if run.emphasis]) == (6, ["very"])


@pytest.mark.parametrize(
    "heading",
    [
        "CHAPTER VII",
        "Chapter 3: A Title",
        "Book One",
        "Kapitel 3",
        "3. Kapitel",
        "Chapitre IV",
        "ACTE PREMIER",
        "第三章 山の上",
        "第12回",
        "제3장",
        "EPILOGUE.",
        "Vorwort",
        "A Title\n=======",
        "A Title\n-------",
    ],
)
def test_headings_are_known_in_every_language(file, heading):
    assert len(file("a.txt", f"x\n\n{heading}\n\ny\n").chapters) == 2


@pytest.mark.parametrize(
    "line",
    ["Part one of it was long.", "Letter five lay there.", "I.", "第三章では雨が降った。", "Chapter and verse", "Note"],
)
def test_what_only_looks_like_a_heading_is_none(file, line):
    assert len(file("a.txt", f"x\n\n{line}\n\ny\n").chapters) == 1


def test_without_blank_lines_each_line_is_a_paragraph(file):
    assert texts(file("a.txt", "One.\nTwo.\r\nThree.\n")) == ["One.", "Two.", "Three."]


def test_the_licence_around_a_text_is_left_out(file):
    begin, end = (f"*** {word} OF THE PROJECT GUTENBERG EBOOK X ***" for word in ("START", "END"))
    text = f"Licence\n{begin}\n\nText.\n\n{end}\nMore"
    book = file("a.txt", text)
    assert texts(book) == ["Text."]
    assert book.chapters[0].paragraphs[0].line == 4
    assert [kind for kind, _ in left_out(book)] == ["copyright", "copyright"]
    assert len(texts(file("a.txt", text, leave_out=frozenset()))) > 1


def test_html_is_read_with_what_it_says_of_itself(file):
    head = '<!DOCTYPE html><html lang="de"><head><title>T</title><meta name="author" content="A"></head>'
    book = file("a.html", f"{head}<body><h1>X</h1><p>y<br>z</body>")
    assert chapters(book) == [("X", ["X", "y\nz"])]
    assert (book.metadata.title, book.metadata.authors, book.metadata.language) == ("T", ("A",), "de")


SCRIPT = """\
{"chapter": "One", "kind": "heading", "text": "One"}
{"chapter": "One", "text": "Hello <emphasis>you</emphasis> & me, at home.", "speaker": "Ann"}

{"chapter": "Two", "text": "Bonjour à vous tous.", "speaker": "Bob", "language": "fr", "scene": true}
"""


def test_a_script_says_who_speaks(file):
    book = file("play.jsonl", SCRIPT)
    assert chapters(book) == [("One", ["One", "Hello you & me, at home."]), ("Two", ["Bonjour à vous tous."])]
    ann, bob = book.chapters[0].paragraphs[1], book.chapters[1].paragraphs[0]
    assert {run.speaker for run in ann.runs} == {"Ann"}
    assert (bob.runs[0].speaker, bob.runs[0].language, bob.scene, bob.line) == ("Bob", "fr", True, 4)


@pytest.mark.parametrize(
    ("line", "words"),
    [("{", "not valid JSON"), ("[1]", "line"), ('{"text": 1}', "text"), ('{"kind": "x", "text": ""}', "kind")],
)
def test_a_bad_line_of_a_script_is_told_with_its_number(file, line, words):
    with pytest.raises(JobError, match=rf"play\.jsonl:2: .*{words}"):
        file("play.jsonl", f'{{"text": "x"}}\n{line}\n')


def test_a_folder_has_a_chapter_a_file_in_the_order_of_people(tmp_path):
    folder = tmp_path / "tale"
    folder.mkdir()
    for name, text in {
        "10.txt": "Ten.",
        "2.md": "# Two\n\n## Inner\n\nx",
        "1-a.txt": "One.",
        ".x.txt": "",
        "n.pdf": "",
    }.items():
        (folder / name).write_text(text)
    (folder / "cover.png").write_bytes(b"png")
    book = read_book(folder)
    assert chapters(book) == [("tale", ["One."]), ("Two. Inner", ["Two", "Inner", "x"]), ("", ["Ten."])]
    assert (book.cover.name, book.cover.media_type) == ("cover.png", "image/png")


def test_a_mark_that_is_never_closed_is_told_and_the_text_is_read(file):
    book = file("a.txt", 'He said <voice name="Ann">hello.\n\nThen more.\n')
    assert texts(book) == ["He said hello.", "Then more."]
    assert "not sound XML" in warnings(book)[0]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"x\ny\xff", r"a\.txt:2: not valid UTF-8"),
        ("a.pdf", b"x", r"not a kind of book that is known \(a book is a folder, or a file that ends in \.epub"),
        ("a.txt", b"\n", "the book has no text to read"),
    ],
)
def test_a_file_that_is_no_book_says_so(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(JobError, match=words):
        read_book(path)


def test_a_folder_without_chapters_says_so(tmp_path):
    with pytest.raises(JobError, match="no chapters in the folder"):
        read_book(tmp_path)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(JobError, match="cannot read the book"):
        read_book(tmp_path / "a.md")
