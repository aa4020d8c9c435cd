"""The commands that compare a run with its job file."""

import pytest

from valle_engine.cli import main
from valle_engine.job.fingerprints import FileDigests, recipe, recipe_digest
from valle_engine.records import Outcome
from valle_engine.store.named import named_run, wanted_items
from valle_engine.store.rows import LedgerRow
from valle_engine.store.store import open_store

JOB = """
name: alice
task: {name: espeak, rate: 175}
seed: 7
items:
  - {id: a, text: Alice was beginning to get very tired.}
  - {id: b, text: So she was considering in her own mind.}
"""


@pytest.fixture
def job(tmp_path):
    """A job file and its finished run."""
    path = tmp_path / "job.yaml"
    path.write_text(JOB)
    named = named_run(str(path))
    made_by = recipe(named.job, FileDigests())
    with open_store(named.folder, named.state) as store:
        store.begin_run(recipe_digest(made_by), made_by, 2, 2)
        for ordinal, item in enumerate(wanted_items(named.job)):
            file = store.outputs.write(f"audio/{item.id}.flac", item.id.encode())
            outcome = Outcome(item.id, "done", item.fingerprint, file=file)
            store.ledger.record([LedgerRow(outcome, item.fields, ordinal)])
        store.end_run()
    return path


def say(capsys, *arguments):
    code = main([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_job_file_names_its_run(job, capsys):
    assert say(capsys, "status", job)[0] == 0
    assert say(capsys, "status", job.parent / "out" / "alice")[0] == 0


def test_verify_compares_with_the_manifest(job, capsys):
    code, said = say(capsys, "verify", job)
    assert code == 0
    assert "2 done of 2 items" in said
    job.write_text(JOB.replace("very tired", "quite tired") + "  - {id: c, text: New.}\n")
    code, said = say(capsys, "verify", job)
    assert code == 2
    assert "stale: a has changed since it was done" in said
    assert "pending: c has no row yet" in said


def test_why_says_what_stays_and_that_nothing_has_changed(job, capsys):
    code, said = say(capsys, "why", job, "a")
    assert code == 0
    assert "a will not be done again: it is done and its output is there; nothing that determines it" in said


def test_why_names_the_field_that_has_changed(job, capsys):
    job.write_text(JOB.replace("very tired", "quite tired"))
    code, said = say(capsys, "why", job, "a")
    assert code == 2
    assert "a will be done again: text changed: " in said
    assert say(capsys, "why", job, "b")[0] == 0


def test_why_names_the_option_that_has_changed(job, capsys):
    job.write_text(JOB.replace("175", "200"))
    code, said = say(capsys, "why", job, "b")
    assert code == 2
    assert "b will be done again: task option rate changed: 175 -> 200" in said


def test_why_of_an_item_that_the_manifest_does_not_list(job, capsys):
    code, said = say(capsys, "why", job, "zzz")
    assert code == 2
    assert "zzz is not in the manifest of alice" in said


def test_a_job_file_with_mistakes_is_one_list_of_them(job, capsys):
    job.write_text(JOB.replace("rate", "rat"))
    code, said = say(capsys, "status", job)
    assert code == 3
    assert "job.yaml:3" in said
