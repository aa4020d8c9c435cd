"""Fixtures of the fault tests: a cluster to join, and folders with one job each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import PLUGIN, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Ray cluster of one machine with fake GPUs, so that a test does not start its own."""
    ray = str(Path(sys.executable).parent / "ray")
    port = 20_000 + os.getpid() % 10_000
    environment = {**os.environ, "PYTHONPATH": str(PLUGIN), "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "token"}
    options = [f"--port={port}", "--num-cpus=8", "--num-gpus=4", "--include-dashboard=false"]
    options += ["--disable-usage-stats", f"--temp-dir=/tmp/valle-ray-{os.getpid()}"]
    for command in (["get-auth-token", "--generate"], ["start", "--head", *options]):
        subprocess.run([ray, *command], env=environment, check=True, capture_output=True, timeout=120)
    yield f"127.0.0.1:{port}"
    subprocess.run([ray, "stop", "--force"], env=environment, capture_output=True, check=False, timeout=60)


@pytest.fixture
def bench(tmp_path: Path, cluster: str) -> Iterator[Bench]:
    """A bench whose Ray runs join the session's cluster."""
    made = Bench(tmp_path, cluster)
    yield made
    made.kill_all()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Bench]:
    """A bench whose Ray runs start a cluster of their own, or that runs inline."""
    made = Bench(tmp_path)
    yield made
    made.kill_all()
