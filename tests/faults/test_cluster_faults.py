"""Machines that leave or die, GPUs that are not there, doors that must stay shut."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.faults.bench import PLUGIN, Bench, works

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults


@pytest.fixture
def machines() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Two machines of one core each, and the process that rules them."""
    environment = {**os.environ, "PYTHONPATH": str(PLUGIN), "RAY_AUTH_MODE": "token", "OMP_NUM_THREADS": "1"}
    ray = str(Path(sys.executable).parent / "ray")
    subprocess.run([ray, "get-auth-token", "--generate"], env=environment, check=True, capture_output=True)
    script = str(Path(__file__).parent / "two_nodes.py")
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip(), process
        process.stdin.close()
        process.wait(60)


@pytest.mark.parametrize("how", ["leave", "kill"])
def test_a_machine_that_goes_away_loses_nothing(
    alone: Bench, machines: tuple[str, subprocess.Popen[str]], how: str
) -> None:
    """A killed machine's worker lives on for a while: what it still writes must do no harm."""
    address, process = machines
    alone.address = address
    alone.write(works(60, seconds=0.5), workers={"slots": 1})
    run = alone.start()
    alone.wait_for(lambda: len(alone.workers()) == 2 and sum(alone.starts().values()) >= 6)
    process.stdin.write(f"{how}\n")
    process.stdin.flush()
    assert run.wait(90) == 0, alone.said.read_text()
    assert alone.states() == {"done": 60}
    told = alone.call("verify")
    assert told.returncode == 0, told.stdout


def test_more_gpus_than_there_are_is_an_error_and_not_a_wait(bench: Bench) -> None:
    bench.write(works(3), workers={"count": 5, "gpus": 1})
    began = time.monotonic()
    code, said = bench.run()
    assert code == 3
    assert "5 workers of 1 CPUs and 1 GPUs do not fit: there is room for 4" in said
    assert time.monotonic() - began < 30


def test_a_worker_cannot_have_one_and_a_half_gpus(bench: Bench) -> None:
    bench.write(works(3), workers={"count": 1, "gpus": 1.5})
    code, said = bench.run()
    assert code == 3
    assert "a worker cannot have 1.5 GPUs" in said


def devices(bench: Bench, **workers: float) -> Counter[str]:
    """How many workers saw which devices."""
    bench.write(works(64, do="devices"), workers={"slots": 1, **workers})
    code, said = bench.run()
    assert code == 0, said
    values = {(row["values"]["pid"], row["values"]["cuda"]) for row in bench.outcomes().values()}
    return Counter(cuda for _, cuda in values)


def test_half_a_gpu_a_worker_puts_two_on_each(bench: Bench) -> None:
    assert devices(bench, count=8, gpus=0.5) == {"0": 2, "1": 2, "2": 2, "3": 2}


def test_workers_fill_what_the_cluster_has(bench: Bench) -> None:
    assert devices(bench, count="auto", gpus=1) == {"0": 1, "1": 1, "2": 1, "3": 1}


def test_a_worker_without_gpus_sees_none(bench: Bench) -> None:
    assert devices(bench, count=2, gpus=0) == {"": 2}


def test_ray_without_its_token_is_refused(alone: Bench) -> None:
    alone.write(works(1))
    code, said = alone.run(env={"RAY_AUTH_MODE": "disabled"})
    assert code == 3
    assert "RAY_AUTH_MODE=disabled" in said
    assert not alone.starts()


def test_nobody_runs_code_on_a_cluster_of_ours_without_the_token(alone: Bench) -> None:
    """The way of CVE-2023-48022: a job sent to Ray's port. The dashboard is off, and its port stays shut."""
    alone.write(works(6, do="slow", seconds=2), workers={"count": 1})
    run = alone.start()
    alone.wait_for(alone.starts)
    body = json.dumps({"entrypoint": f"touch {alone.folder / 'canary'}"}).encode()
    for port in _listening(alone):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/jobs/", body, {"Content-Type": "application/json"}
        )
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(request, timeout=2).close()
    assert run.wait(60) == 0
    assert not (alone.folder / "canary").exists()
    assert (Path.home() / ".ray" / "auth_token").stat().st_mode & 0o077 == 0


def _listening(bench: Bench) -> set[int]:
    """TCP ports that the processes of a run listen on."""
    ports = set()
    for pid, _ in bench.processes():
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                ports.add(connection.laddr.port)
    assert ports
    return ports
