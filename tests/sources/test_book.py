"""Books as a source of a job's items."""

import shutil
from dataclasses import replace
from typing import get_args

import pytest
from pydantic import ValidationError

from tests.books import build, epubs
from tests.books.shown import texts
from valle_engine.books.omissions import OMISSIONS, Omission
from valle_engine.cli import main
from valle_engine.errors import JobError
from valle_engine.job.loading import load_job
from valle_engine.plan import make_plan
from valle_engine.plugins import load_plugins
from valle_engine.testing import check_source
from valle_plugins.sources.book import Book

TALE = "# One\n\nIn 1865 Alice met the Hatter.\n\n# Two\n\nShe left him.\n"
COLUMNS = {"id", "text", "written", "language", "speaker", "book", "source", "chapter", "chapter_title", "paragraph"}


@pytest.fixture
def tale(tmp_path):
    path = tmp_path / "My Tale.md"
    path.write_text(TALE)
    return path


def rows(**options):
    return list(Book(**options).rows())


def test_it_keeps_the_contract_of_sources(tale):
    check_source(Book(path=[tale, build.BOOK]))


def test_a_row_says_what_is_said_and_where_it_stands(tale):
    found = rows(path=tale)
    assert [(row.line, row.fields["text"]) for row in found] == [
        (1, "One"),
        (3, "In eighteen sixty-five Alice met the Hatter."),
        (5, "Two"),
        (7, "She left him."),
    ]
    assert found[1].fields == {
        "id": found[1].fields["id"],
        "text": "In eighteen sixty-five Alice met the Hatter.",
        "written": "In 1865 Alice met the Hatter.",
        "changes": [["1865", "eighteen sixty-five", "number"]],
        "language": "en",
        "speaker": "narrator",
        "book": "my-tale",
        "source": str(tale),
        "chapter": 1,
        "chapter_title": "One",
        "paragraph": 2,
        "kind": "text",
        "place": "My Tale.md",
    }


def test_a_row_of_an_epub_leads_back_to_its_element():
    found = rows(path=build.BOOK)
    assert all(COLUMNS | {"place", "element", "kind"} <= row.fields.keys() for row in found)
    assert found[2].fields["place"] == "EPUB/chapter1.xhtml"
    assert {row.line for row in found} == {0}


def test_ids_are_such_as_items_may_have_and_no_two_alike():
    found = [row.fields["id"] for row in rows(path=build.BOOK)]
    assert len(set(found)) == len(found)
    assert all(each.startswith("book-") for each in found)


def test_several_books_are_read_one_after_another(tale, tmp_path):
    other = shutil.copy(tale, tmp_path / "other.md")
    books = [row.fields["book"] for row in rows(path=[other, tale])]
    assert books == ["other"] * 4 + ["my-tale"] * 4


def test_two_books_of_one_name_are_refused(tale, tmp_path):
    (tmp_path / "b").mkdir()
    other = shutil.copy(tale, tmp_path / "b" / "my_tale.md")
    with pytest.raises(JobError, match="would give their lines the same ids"):
        rows(path=[tale, other])


def test_what_there_is_to_leave_out_is_checked(tale):
    with pytest.raises(ValidationError, match="should be 'notes', 'note-references', 'page-breaks'"):
        Book(path=tale, leave_out=["pages"])


def test_every_kind_that_may_be_left_out_is_described():
    assert get_args(Omission) == tuple(OMISSIONS)


PLAY = """\
{"text": "Hello.", "speaker": "Ann"}
{"text": "Bye.", "speaker": "Bob"}
{"text": "x", "speaker": "Bob"}
{"text": "End."}
"""


@pytest.fixture
def play(tmp_path):
    path = tmp_path / "play.jsonl"
    path.write_text(PLAY)
    return path


def test_an_unknown_speaker_is_told_once_with_those_that_are_known(play):
    found = rows(path=play, roles={"Ann": "a.flac"})
    assert [row.problem for row in found] == [
        "",
        "the cast has no 'Bob' (play.jsonl, chapter 1: 'Bye.'); it has: Ann",
        "",
        "",
    ]
    assert "it has: nobody" in rows(path=play)[0].problem


def test_a_cast_gives_voices_languages_and_sampling(play, tmp_path):
    cast = tmp_path / "cast.yaml"
    (tmp_path / "ann.flac").touch()
    cast.write_text("narrator: deep\nAnn: {voice: ann.flac, sampling: {temperature: 0.7}}\nBob: {language: de}\n")
    ann, bob, _, narrator = [
        row.fields for row in rows(path=play, cast=cast, roles={"Bob": {"voice": "+m3", "language": "fr"}})
    ]
    assert (ann["voice"], ann["sampling"], ann["language"]) == (str(tmp_path / "ann.flac"), {"temperature": 0.7}, "en")
    assert (bob["voice"], bob["language"], "sampling" in bob) == ("+m3", "fr", False)
    assert (narrator["voice"], narrator["speaker"]) == ("deep", "narrator")


class Guessed(Book):
    """A book whose quotations are Ann's."""

    name = "guessed"

    def labelled(self, book):
        def marked(paragraph):
            begin, end = paragraph.text.find("“"), paragraph.text.find("”") + 1
            return paragraph.spoken_by("Ann", begin, end) if end else paragraph

        return replace(
            book,
            chapters=tuple(
                replace(chapter, paragraphs=tuple(map(marked, chapter.paragraphs))) for chapter in book.chapters
            ),
        )


def test_a_plugin_may_say_who_speaks(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("“Hello,” said Ann.")
    found = list(Guessed(path=path, roles={"Ann": "+f2"}).rows())
    assert [(row.fields["speaker"], row.fields["text"]) for row in found] == [
        ("Ann", "“Hello,”"),
        ("narrator", "said Ann."),
    ]


LEXICON = "name: names\nversion: {version}\nentries:\n  - {{word: Hatter, {said}}}\n"
JOB = """\
name: tale
task: espeak
items: {kind: book, path: My Tale.md, lexicons: [names.yaml]}
"""


@pytest.fixture
def job(tale, tmp_path):
    """Write the lexicon; run or plan the job."""
    (tmp_path / "job.yaml").write_text(JOB)

    def job(verb, *options, version="1", said="say: Hat-maker"):
        (tmp_path / "names.yaml").write_text(LEXICON.format(version=version, said=said))
        return main([verb, str(tmp_path / "job.yaml"), *options])

    return job


def pending(path):
    job = load_job(path, load_plugins())
    return [order.fields["written"] for order in make_plan(job, lambda _ids: {}, lambda _file: None).pending()]


def test_a_job_speaks_a_book(job, tmp_path):
    assert job("run") == 0
    assert len(list((tmp_path / "out" / "tale" / "audio").iterdir())) == 4
    assert pending(tmp_path / "job.yaml") == ["One", "In 1865 Alice met the Hatter.", "Two", "She left him."]


def test_another_entry_redoes_the_lines_it_touches_and_a_mere_version_none(job, capsys):
    job("run")
    job("plan", version="2")
    assert "to do: 0" in capsys.readouterr().out
    job("plan", version="3", said="say: Milliner")
    assert "1 changed" in capsys.readouterr().out


def test_an_edit_redoes_what_it_changes_alone(job, tale, capsys):
    job("run")
    tale.write_text(TALE.replace("# One", "# One\n\nA new line.").replace("She left", "Then she left"))
    job("plan")
    told = capsys.readouterr().out
    assert "to do: 2" in told
    assert "2 new" in told


def test_a_missing_book_is_told_with_its_line(tmp_path, capsys):
    (tmp_path / "job.yaml").write_text(JOB)
    assert main(["check", str(tmp_path / "job.yaml")]) == 2
    told = capsys.readouterr().out
    assert "job.yaml:3: items.path: no such file" in told
    assert "job.yaml:3: items.lexicons: no such file" in told


def test_phonemes_reach_a_task_that_can_use_them_and_no_other(tmp_path):
    path = epubs.simple(tmp_path / "a.epub", '<p>My <span ssml:ph="dˈaɪnə">Dinah</span>.</p>')
    [row] = rows(path=path)
    assert row.fields["text"] == "My Dinah."
    assert row.fields["pronunciations"] == {"Dinah": "dˈaɪnə"}


def test_a_book_may_be_read_whole(tmp_path):
    path = epubs.simple(tmp_path / "a.epub", '<p>a</p><aside epub:type="footnote">b</aside>')
    assert texts(Book(path=path, leave_out=[]).book(path)) == ["a", "b"]
