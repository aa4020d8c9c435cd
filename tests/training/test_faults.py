"""Trainings whose processes are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from tests.clusters import ray_cluster
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.training.saving import MODEL, Checkpoints

pytestmark = pytest.mark.faults
VALLE = str(Path(sys.executable).parent / "valle")
LONG = {"steps": 24, "saving": {"every": 4}, "validation": {"every": 10, "examples": 4}}


class Command:
    """`valle train` in a process of its own."""

    def __init__(self, training, *arguments: str) -> None:
        self._folder = training.folder
        self.process = subprocess.Popen(
            [VALLE, "train", str(training.file), "--quiet", *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "token"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, step: int) -> None:
        """Wait until a step is told."""
        until = time.monotonic() + 600
        while step not in [line.get("step") for line in told(self._folder)]:
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until, f"step {step} never came"
            time.sleep(0.02)

    def end(self) -> tuple[int, str]:
        """Exit code and what was said."""
        _, said = self.process.communicate(timeout=600)
        return self.process.returncode, said


def told(folder: Path) -> list[dict]:
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def curve(folder: Path) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in told(folder)]


def weights(training) -> dict[str, torch.Tensor]:
    last = Checkpoints(training.folder / "checkpoints")
    return dict(read_checkpoint(last.path(last.steps()[-1]) / MODEL).tensors)


def test_a_killed_training_goes_on_to_the_same_curve_to_the_last_digit(tiny):
    whole, killed = tiny("whole", **LONG), tiny("killed", **LONG)
    assert Command(whole).end() == (0, "")
    for step, arguments in ((6, []), (15, ["--resume"])):
        command = Command(killed, *arguments)
        command.wait_for(step)
        command.process.send_signal(signal.SIGKILL)
        command.end()
    assert Command(killed, "--resume").end() == (0, "")
    assert curve(killed.folder) == curve(whole.folder)
    expected = weights(whole)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in weights(killed).items())


def test_ctrl_c_keeps_the_step_that_was_made(tiny):
    training = tiny("stopped", **LONG)
    command = Command(training)
    command.wait_for(2)
    command.process.send_signal(signal.SIGINT)
    assert command.end()[0] == 130
    assert Checkpoints(training.folder / "checkpoints").steps()[-1] == curve(training.folder)[-1]["step"]


@pytest.fixture
def cluster(tmp_path_factory):
    """Address of a cluster of this machine."""
    with ray_cluster(tmp_path_factory.mktemp("cluster"), cpus=4, gpus=0) as address:
        yield address


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is one of a training; what has died meanwhile is none."""
    try:
        return "TrainWorker" in "".join(process.cmdline())
    except psutil.Error:
        return False


def workers_coming(command: Command) -> list[psutil.Process]:
    """The two processes, as soon as they are there: to look for them takes longer than a step.

    They are known as this test's by their ancestors; what they keep of their environment is Ray's business.
    """
    while len(workers := [each for each in psutil.Process().children(recursive=True) if is_worker(each)]) < 2:
        assert command.process.poll() is None, command.process.stderr.read()
        time.sleep(0.05)
    return workers


def test_two_processes_of_ray_train_survive_the_death_of_one(tiny, cluster):
    devices = {"count": 2, "cpus": 1, "failures": 2, "address": cluster}
    long = {**LONG, "steps": 60}
    whole, killed = tiny("whole", devices=devices, **long), tiny("killed", devices=devices, **long)
    assert Command(whole).end()[0] == 0
    assert curve(whole.folder)[-1]["step"] == long["steps"]
    command = Command(killed)
    workers = workers_coming(command)
    command.wait_for(6)
    workers[0].kill()
    assert command.end()[0] == 0
    assert curve(killed.folder) == curve(whole.folder)
