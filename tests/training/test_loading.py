"""A training file is checked whole, before anything is loaded."""

from pathlib import Path

import pytest

from valle_engine.cli import main
from valle_engine.errors import JobError
from valle_engine.training.loading import is_training, load_training

WRONG = """\
name: wrong
data: {data}
steps: 0
model: {{width: 30, headz: 4}}
lessons:
  tasks: {{tts: 1, sing: 2}}
  seconds: [1, 2, 3]
optimiser: {{clip: -1}}
"""
UNFIT = """\
name: unfit
data: {data}
start: missing.sft
steps: 5
lessons:
  tasks: {{phn: 1}}
  seconds: [5, 2]
  levels: {{weights: [1, 2]}}
validation:
  samples: 2
  scores: [mel-distortionn]
tokenizer: nowhere.json
"""


def problems(path: Path, plugins) -> list[tuple[int, str]]:
    with pytest.raises(JobError) as raised:
        load_training(path, plugins)
    return [(problem.line, problem.path) for problem in raised.value.problems]


def test_every_mistake_of_the_schema_is_told_with_its_line(tmp_path, corpus_folder, plugins):
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG.format(data=corpus_folder))
    found = problems(path, plugins)
    assert [line for line, _ in found] == [3, 4, 6, 7, 8]
    assert found[1] == (4, "model.headz")


def test_everything_that_does_not_fit_is_told_with_its_line(tmp_path, corpus_folder, plugins):
    path = tmp_path / "unfit.yaml"
    path.write_text(UNFIT.format(data=corpus_folder))
    assert {line for line, _ in problems(path, plugins)} == {3, 6, 7, 8, 11, 12}


def test_a_missing_corpus_says_how_one_is_made(tmp_path, plugins):
    path = tmp_path / "none.yaml"
    path.write_text("name: none\ndata: nowhere\nsteps: 1\n")
    with pytest.raises(JobError, match=r"none\.yaml:2: data: .*`valle data prepare JOB` makes one"):
        load_training(path, plugins)


def test_weights_that_are_all_nothing_are_refused(tmp_path, corpus_folder, plugins):
    path = tmp_path / "idle.yaml"
    path.write_text(f"name: idle\ndata: {corpus_folder}\nsteps: 1\nlessons: {{tasks: {{tts: 0}}}}\n")
    with pytest.raises(JobError, match="nothing would be taught"):
        load_training(path, plugins)


def test_check_knows_a_training_from_a_job(tiny, tmp_path, capsys):
    training = tiny("out")
    assert main(["check", str(training.file)]) == 0
    assert capsys.readouterr().out.endswith("items, no problems\n")
    job = tmp_path / "job.yaml"
    job.write_text("name: job\ntask: espeak\nitems: []\n")
    assert not is_training(job)
    assert not is_training(tmp_path / "missing.yaml")
