"""Files that arrive in a folder are worked one by one, each with an output of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.books.epubs import simple
from valle_engine.arrivals import Arrivals, name_of
from valle_engine.cli import main

JOBS = Path(__file__).parents[1] / "jobs"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def job(tmp_path):
    """A job that speaks the lines of a text file."""

    def job(**output):
        path = tmp_path / "job.yaml"
        items = {"kind": "text", "path": "inbox/none.txt"}
        path.write_text(json.dumps({"name": "x", "task": "espeak", "items": items, "output": output}))
        return str(path)

    return job


def test_a_file_has_arrived_when_two_looks_find_it_the_same(inbox):
    arrivals = Arrivals(inbox, "*.txt")
    (inbox / "a.txt").write_text("one")
    assert arrivals.look() == []
    assert arrivals.waiting
    (inbox / "a.txt").write_text("one and two")
    assert arrivals.look() == []
    assert arrivals.look() == [inbox / "a.txt"]
    assert (arrivals.look(), arrivals.waiting) == ([], False)


def test_a_file_that_changes_arrives_again(inbox):
    arrivals = Arrivals(inbox, "*.txt")
    (inbox / "a.txt").write_text("one")
    assert [arrivals.look(), arrivals.look()][1] == [inbox / "a.txt"]
    os.utime(inbox / "a.txt", (1, 1))
    assert [arrivals.look(), arrivals.look()][1] == [inbox / "a.txt"]


def test_drafts_and_other_names_are_left_alone(inbox):
    arrivals = Arrivals(inbox, "*.txt")
    for name in (".a.txt", "b.epub.part", "c.md"):
        (inbox / name).write_text("x")
    assert (arrivals.look(), arrivals.waiting) == ([], False)


@pytest.mark.parametrize(
    ("file", "name"), [("Alice in Wonderland.epub", "Alice-in-Wonderland"), ("….epub", "book"), ("ü_1.epub", "1")]
)
def test_a_job_is_called_like_its_file(tmp_path, file, name):
    assert name_of(tmp_path / file) == name


def test_every_file_gets_an_output_of_its_own_and_a_bad_one_keeps_none_back(inbox, job, capsys):
    (inbox / "a b.txt").write_text("Hello.\n")
    (inbox / "bad.txt").write_text("")
    (inbox / "c.txt").write_text("There.\nAgain.\n")
    code = main(["watch", job(), str(inbox), "--pattern", "*.txt", "--once", "--seconds", "0"])
    assert code == 2
    assert "bad.txt: " in capsys.readouterr().err
    outputs = sorted(path.relative_to(inbox.parent / "out") for path in (inbox.parent / "out").rglob("*.flac"))
    assert [path.parts[0] for path in outputs] == ["a-b", "c", "c"]


def test_two_files_never_share_an_output(inbox, job, capsys):
    for name in ("a b.txt", "a-b.txt"):
        (inbox / name).write_text("Hello.\n")
    assert main(["watch", job(), str(inbox), "--pattern", "*.txt", "--once", "--seconds", "0"]) == 2
    assert "a-b.txt: its output would go where that of a b.txt goes" in capsys.readouterr().err


def test_a_folder_of_the_job_holds_a_folder_for_each_file(inbox, job, tmp_path):
    (inbox / "a.txt").write_text("Hello.\n")
    assert main(["watch", job(folder="books"), str(inbox), "--pattern", "*.txt", "--once", "--seconds", "0"]) == 0
    assert list((tmp_path / "books" / "a" / "audio").iterdir())


def test_the_job_of_a_book_makes_a_book_of_every_one_that_arrives(inbox, tmp_path):
    """In a process of its own, as a service would run it."""
    shutil.copy(JOBS / "book.yaml", tmp_path)
    simple(inbox / "The Fox.epub", "<h1>The Fox</h1><p>A fox saw grapes.</p>")
    command = [sys.executable, "-m", "valle_engine", "watch", "book.yaml", "inbox", "--once", "--seconds", "0.1"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    [made] = tmp_path.rglob("*.m4b")
    assert made.relative_to(tmp_path / "out").parts[:2] == ("The-Fox", "audiobook")


def test_a_folder_that_is_none_is_told(job, tmp_path, capsys):
    assert main(["watch", job(), str(tmp_path / "nowhere")]) == 3
    assert "nowhere is no folder" in capsys.readouterr().err
