"""A Ray cluster of this machine for tests and benchmarks, which disturbs no other that may run here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RAY = str(Path(sys.executable).parent / "ray")


@contextlib.contextmanager
def ray_cluster(plugin: Path, cpus: int, gpus: int) -> Iterator[str]:
    """Address of a cluster with made-up cores and GPUs, whose workers find one more plugin."""
    port = 20_000 + os.getpid() % 10_000
    own = {"PYTHONPATH": str(plugin), "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "token"}
    environment = {**os.environ, **own}
    subprocess.run([RAY, "get-auth-token", "--generate"], env=environment, check=True, capture_output=True, timeout=60)
    # Sockets live in this folder, and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="valle-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        options = [f"--port={port}", f"--num-cpus={cpus}", f"--num-gpus={gpus}", f"--temp-dir={folder}"]
        options += ["--include-dashboard=false", "--disable-usage-stats"]
        head = subprocess.Popen(
            [RAY, "start", "--head", "--block", *options],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(f"127.0.0.1:{port}", environment)
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                head.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(head.pid, signal.SIGKILL)
            head.wait()


def _wait_until_healthy(address: str, environment: dict[str, str]) -> None:
    until = time.monotonic() + 120
    command = [RAY, "health-check", "--address", address]
    while subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < until, f"the cluster at {address} did not start"
        time.sleep(0.2)
