"""Every job that ships is sound, and does what it says in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from valle_engine.plugins import load_plugins

JOBS = Path(__file__).parents[1] / "jobs"
NAMES = sorted(path.name for path in JOBS.glob("*.yaml"))


def needs_model(name: str) -> bool:
    task = yaml.safe_load((JOBS / name).read_text())["task"]
    return load_plugins().tasks.offer(task if isinstance(task, str) else task["name"]).part.needs_model


# Those with a model are run by tests/tasks/test_jobs.py, with a tiny one in its place.
WITHOUT_MODEL = [name for name in NAMES if not needs_model(name)]


def valle(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "valle_engine", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A copy of the jobs, so that what they make is thrown away."""
    return Path(shutil.copytree(JOBS, tmp_path / "jobs", ignore=shutil.ignore_patterns("out")))


@pytest.mark.parametrize("name", NAMES)
def test_a_job_passes_the_check(jobs, name):
    told = valle(jobs, "check", name)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "no problems" in told.stdout


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_a_job_runs_and_says_how_at_its_head(jobs, name):
    assert f"valle run jobs/{name}" in (jobs / name).read_text()
    told = valle(jobs, "run", name, "--limit", "2")
    assert told.returncode == 0, told.stderr
    [out] = (jobs / "out").iterdir()
    assert len(list((out / "audio").iterdir())) == 2
    assert valle(jobs, "verify", str(out)).returncode == 0


def test_there_is_a_first_job():
    assert "first.yaml" in NAMES
