"""The jobs of the tasks with a model run from end to end, with a tiny random model in place of the one they name."""

import json
import shutil
from pathlib import Path

import pytest
import soundfile
import yaml

from valle_engine.cli import main
from valle_engine.plugins import load_plugins

JOBS = Path(__file__).parents[2] / "jobs"
MODEL = "model: ecker/vall-e    # fetched when the job is first run; or the path of a checkpoint"
LAST = {"phonemize", "unphonemize"}
"""Tasks for which the model must read and write text."""


def with_model():
    return sorted(path.stem for path in JOBS.glob("*.yaml") if "\nmodel:" in path.read_text())


def test_every_task_with_a_model_has_a_job():
    tasks = load_plugins().tasks
    assert set(with_model()) >= {name for name in tasks.names() if tasks.offer(name).part.needs_model}


@pytest.mark.parametrize("name", with_model())
def test_a_job_runs_to_its_end(name, spec, tmp_path, capsys):
    folder = shutil.copytree(JOBS, tmp_path / "jobs", ignore=shutil.ignore_patterns("out"))
    job = folder / f"{name}.yaml"
    text = job.read_text()
    assert f"valle run jobs/{name}.yaml" in text
    assert MODEL in text
    model = spec("tiny-v6" if name in LAST else "tiny").model_dump(mode="json")
    job.write_text(text.replace(MODEL, f"model: {json.dumps(model)}"))
    assert main(["run", str(job)]) == 0, capsys.readouterr().err
    assert main(["export", str(job), "--to", str(tmp_path / "outcomes.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [item["id"] for item in yaml.safe_load(text)["items"]]
    for row in rows:
        assert row["path"] or row["values"]
        assert row["path"] is None or soundfile.info(folder / "out" / name / row["path"]).frames > 0
