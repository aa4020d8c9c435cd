"""The source and the task in jobs."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
import soundfile
from pydantic import ValidationError

from valle_engine.cli import main
from valle_engine.testing import check_plugin, check_source, check_task, run_task
from valle_plugins.synthetic.corpus import Corpus
from valle_plugins.synthetic.source import Synthetic
from valle_plugins.synthetic.task import Synthesise
from valle_plugins.synthetic.texts import LANGUAGES

JOB = Path(__file__).parents[2] / "jobs" / "synthetic.yaml"


def test_the_parts_keep_their_contracts():
    [utterance] = Corpus().utterances(1)
    check_plugin("valle_plugins.synthetic")
    check_source(Synthetic(utterances=20, languages=LANGUAGES, split="test", speakers=3, flite=0.1))
    check_task(Synthesise(times=True), utterance.row())


def test_the_source_streams_what_the_corpus_holds():
    rows = Synthetic(utterances=10**12, seed=4, words=(1, 2), group=2).rows()
    told = [dict(row.fields) for row in itertools.islice(rows, 6)]
    assert told == [each.row() for each in Corpus(seed=4, words=(1, 2), group=2).utterances(6)]


def test_times_are_told_where_they_are_wanted():
    [utterance] = Corpus().utterances(1)
    assert set(run_task(Synthesise(), utterance.row()).values) == {"phonemes"}
    values = run_task(Synthesise(times=True), utterance.row()).values
    [name, start, end, place] = values["phones"][0]
    assert values["phonemes"][place:].startswith(name)
    assert 0 <= start < end


def test_voices_of_flite_are_never_all_there_are_because_none_is_kept_out():
    with pytest.raises(ValidationError, match="less than 1"):
        Synthetic(utterances=1, flite=1.0)


@pytest.mark.parametrize("words", [(0, 3), (5, 4)])
def test_a_range_of_words_that_is_none_is_refused(words):
    with pytest.raises(ValidationError, match="no range of words"):
        Synthetic(utterances=1, words=words)


def test_the_job_writes_a_corpus_with_its_columns(tmp_path, capsys):
    job = shutil.copy(JOB, tmp_path)
    assert main(["run", job, "--limit", "5"]) == 0, capsys.readouterr().err
    assert main(["export", job, "--to", str(tmp_path / "rows.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    done = [row for row in rows if row["path"]]
    assert len(done) == 5
    for row in done:
        assert row["values"]["phonemes"]
        assert row["fields"]["split"] in {"train", "validation", "test"}
        assert row["id"].startswith(row["fields"]["speaker"])
        assert soundfile.info(tmp_path / "out" / "synthetic" / row["path"]).samplerate == 24_000
