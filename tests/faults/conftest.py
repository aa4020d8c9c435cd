"""Fixtures of the fault tests: a cluster to join, and folders with one job each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clusters import ray_cluster
from tests.faults.bench import PLUGIN, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A Ray cluster of one machine with fake GPUs, so that a test does not start its own."""
    with ray_cluster(PLUGIN, cpus=8, gpus=4) as address:
        yield address


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
