"""What a change costs: a corrected word its lines, a pause the joining alone, a line that is disliked itself."""

import shutil
from pathlib import Path

import av
import pytest

from tests.books.epubs import simple
from tests.engine.conftest import Lab
from valle_engine.cli import main
from valle_engine.store.store import forget

JOBS = Path(__file__).parents[2] / "jobs"
LEXICON = "{name: fables, version: '1', entries: [{word: %s, say: %s}]}"
WITHOUT_GATE = {"accept": {}}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(JOBS.parent / "tests" / "engine" / "plugin")
    return Lab(tmp_path)


@pytest.fixture
def fables(lab):
    """The first lines of the book of the jobs, spoken by espeak; what is given changes the product or the lexicon."""
    shutil.copy(JOBS / "book.epub", lab.folder)
    words = lab.folder / "lexicon.yaml"
    words.write_text(LEXICON % ("nothing", "nothing"))

    def fables(**options):
        source = {"kind": "book", "path": "book.epub", "limit": 12, "lexicons": ["lexicon.yaml"]}
        product = {"name": "audiobook", "format": "flac", **options}
        lab.write(source, task="espeak", output={"products": [product]})
        summary = lab.run()
        assert (summary.exit_code, summary.problems) == (0, ())
        return summary

    return fables


def book(lab):
    [path] = (lab.out / "audiobook").rglob("*.flac")
    return path


def seconds(path):
    with av.open(str(path)) as file:
        return file.duration / 1e6


def test_a_lexicon_entry_redoes_the_lines_it_touches_and_joining_again_costs_none(lab, fables):
    assert fables().worked == 12
    before = book(lab).read_bytes()
    texts = {item: row.fields["text"] for item, row in lab.rows().items()}
    (lab.folder / "lexicon.yaml").write_text(LEXICON % ("Fox", "Reynard"))
    touched = sum("Fox" in text for text in texts.values())
    assert 0 < touched < 12
    assert fables().worked == touched
    assert {row.fields["text"] for row in lab.rows().values()} == {
        text.replace("Fox", "Reynard") for text in texts.values()
    }
    assert book(lab).read_bytes() != before
    # The word put back is the same book again.
    (lab.folder / "lexicon.yaml").write_text(LEXICON % ("nothing", "nothing"))
    assert fables().worked == touched
    assert book(lab).read_bytes() == before


def test_a_change_of_the_product_alone_costs_no_synthesis(lab, fables):
    fables()
    first = seconds(book(lab))
    assert fables(pauses={"start": 3.5}).worked == 0
    assert seconds(book(lab)) == pytest.approx(first + 3, abs=0.01)
    made = book(lab).stat().st_mtime_ns
    assert fables(pauses={"start": 3.5}).worked == 0
    assert book(lab).stat().st_mtime_ns == made


def test_another_take_of_a_line_is_that_line_alone_and_the_book_anew(lab):
    (lab.folder / "a.md").write_text("# One\n\nFirst words.\n\nSecond words.\n\nThird words.\n")
    product = {"name": "audiobook", "format": "flac"}
    lab.write({"kind": "book", "path": "a.md"}, task="draw", output={"products": [product]}, **WITHOUT_GATE)
    lab.run()
    before = book(lab).read_bytes()
    sums = {item: outcome.file.sha256 for item, outcome in lab.outcomes().items()}
    wanted = sorted(sums)[1]
    assert forget(lab.out / ".valle", [wanted]) == 1
    assert lab.run().worked == 1
    now = {item: outcome.file.sha256 for item, outcome in lab.outcomes().items()}
    assert {item for item in sums if sums[item] != now[item]} == {wanted}
    assert book(lab).read_bytes() != before


def test_two_books_of_a_job_are_planned_together_and_made_apart(lab, capsys):
    simple(lab.folder / "fox.epub", "<h1>The Fox</h1><p>A fox saw grapes.</p>", metadata="<dc:title>The Fox</dc:title>")
    (lab.folder / "crow.md").write_text("# The Crow\n\nA crow had found a piece of cheese.\n")
    lab.write(
        {"kind": "book", "path": ["fox.epub", "crow.md"]},
        task="espeak",
        output={"products": [{"name": "audiobook", "format": "mp3"}]},
    )
    assert main(["plan", str(lab.folder / "job.yaml")]) == 0
    said = capsys.readouterr().out
    assert "to do: 4\n" in said
    assert "audio: about " in said
    assert "MB" in said
    assert "gate: silence ≤ 1.5" in said
    assert lab.run().problems == ()
    assert sorted(path.parent.name for path in (lab.out / "audiobook").rglob("*.mp3")) == ["The Fox", "crow"]
