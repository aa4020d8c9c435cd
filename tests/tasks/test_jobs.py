"""The jobs of the tasks with a model run from end to end, with a tiny random model in place of theirs."""

import json
import re
import shutil
from pathlib import Path

import pytest
import soundfile
import yaml

from valle_engine.cli import main
from valle_engine.plugins import load_plugins

JOBS = Path(__file__).parents[2] / "jobs"
LAST = {"phonemize", "unphonemize"}
"""Tasks for which the model must read and write text."""


def task_of(path):
    task = yaml.safe_load(path.read_text())["task"]
    return task if isinstance(task, str) else task["name"]


def needing_a_model():
    tasks = load_plugins().tasks
    return {name for name in tasks.names() if tasks.offer(name).part.needs_model}


def with_model():
    return sorted(path.stem for path in JOBS.glob("*.yaml") if task_of(path) in needing_a_model() and has_items(path))


def has_items(path):
    """Whether its items stand in it; what is read from a source is as long as it is."""
    return isinstance(yaml.safe_load(path.read_text())["items"], list)


def test_every_task_with_a_model_has_a_job():
    assert set(with_model()) >= needing_a_model()


@pytest.mark.parametrize("name", with_model())
def test_a_job_runs_to_its_end(name, spec, tmp_path, capsys):
    folder = shutil.copytree(JOBS, tmp_path / "jobs", ignore=shutil.ignore_patterns("out"))
    job = folder / f"{name}.yaml"
    text = job.read_text()
    assert f"valle run jobs/{name}.yaml" in text
    model = spec("tiny-v6" if name in LAST else "tiny").model_dump(mode="json")
    job.write_text(f"{re.sub(r'^model:.*$', '', text, flags=re.MULTILINE)}\nmodel: {json.dumps(model)}\n")
    assert main(["run", str(job)]) == 0, capsys.readouterr().err
    assert main(["export", str(job), "--to", str(tmp_path / "outcomes.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [item["id"] for item in yaml.safe_load(text)["items"]]
    for row in rows:
        assert row["path"] or row["values"]
        assert row["path"] is None or soundfile.info(folder / "out" / name / row["path"]).frames > 0
