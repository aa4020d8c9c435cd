"""The driver killed, interrupted, doubled, out of space: the same command goes on, and nothing is lost or doubled."""

from __future__ import annotations

import json
import math
import os
import pty
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.faults.bench import Bench, works
from valle_engine.executors.dispatch import QUEUED_PER_WORKER

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults


def undisturbed(bench: Bench, folder: Path) -> dict[str, bytes]:
    """The outputs of the same job when nothing happens to it."""
    other = Bench(folder)
    folder.mkdir()
    shutil.copy(bench.folder / "items.jsonl", folder)
    job = yaml.safe_load(bench.job.read_text())
    job["workers"] = {"executor": "inline"}
    other.job.write_text(yaml.safe_dump(job))
    code, output = other.run(env={"PYTHONPATH": bench.environment()["PYTHONPATH"]})
    assert code == 0, output
    return other.audio()


@pytest.mark.parametrize(("executor", "kills"), [("inline", 20), ("ray", 6)])
def test_a_driver_killed_again_and_again_loses_and_doubles_nothing(
    bench: Bench, tmp_path: Path, executor: str, kills: int
) -> None:
    seed = 11
    chance = random.Random(seed)
    bench.write(works(80, seconds=0.15), executor=executor, workers={"slots": 2})
    if executor == "inline":
        bench.address = None
    for _ in range(kills):
        before = sum(bench.starts().values())
        process = bench.start()
        bench.wait_for(lambda: process.poll() is not None or sum(bench.starts().values()) > before)  # noqa: B023
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.wait(10)
    code, output = bench.run()
    assert code == 0, output
    # A kill costs what runs and waits in a worker, and what has ended since the last commit: items take 0.15 s, a
    # commit is due after 0.2 s and noticed within 0.1.
    in_flight = (2 + QUEUED_PER_WORKER + 2 * math.ceil(0.3 / 0.15)) * (1 if executor == "inline" else 2)
    assert sum(bench.starts().values()) <= 80 + in_flight * kills, f"seed {seed}"
    bench.check()
    assert bench.audio() == undisturbed(bench, tmp_path / "undisturbed")


def test_a_driver_killed_at_every_step_goes_on(alone: Bench) -> None:
    """Kill before the first step, then before the second … until a run gets through."""
    alone.write(works(3), executor="inline")
    for step in range(1, 200):
        shutil.rmtree(alone.out, ignore_errors=True)
        code, _ = alone.run(env={"VALLE_FAULT_STEP": str(step)})
        if code == 0:
            break
        assert code == -signal.SIGKILL
        code, output = alone.run()
        assert code == 0, f"after a kill at step {step}: {output}"
        told = alone.call("verify", "--json")
        assert told.returncode == 0, f"after a kill at step {step}: {told.stdout}"
    else:
        raise AssertionError("no run got through")
    assert step > 10, "the steps were not counted"


@pytest.mark.parametrize("executor", ["inline", "ray"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_one_signal_lets_the_running_items_end(bench: Bench, executor: str, number: signal.Signals, code: int) -> None:
    bench.write(works(40, seconds=0.5), executor=executor, workers={"slots": 2})
    if executor == "inline":
        bench.address = None
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 3)
    process.send_signal(number)
    assert process.wait(40) == code, bench.said.read_text()
    ended = sum(line.startswith("end") for line in bench.log.read_text().splitlines())
    assert ended == sum(bench.starts().values()), "a running item was cut off"
    assert 0 < ended < 40
    assert bench.states() == {"done": ended}
    assert bench.run()[0] == 0
    bench.check()


def test_a_second_signal_leaves_at_once(bench: Bench) -> None:
    bench.write(works(6, do="slow", seconds=30), workers={"slots": 2})
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    bench.check_processes()


def test_the_grace_ends(bench: Bench) -> None:
    bench.write(works(4, do="slow", seconds=60), limits={"grace_seconds": 1})
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(1 + 8) == 143
    bench.check_processes()


def test_ctrl_c_in_a_terminal_reaches_everybody_and_still_the_items_end(alone: Bench) -> None:
    """The terminal sends the signal to the whole group: to the driver and to Ray's daemons."""
    alone.write(works(30, seconds=0.5), workers={"slots": 2})
    master, slave = pty.openpty()
    process = alone.start_in_terminal(slave)
    os.close(slave)
    drain = alone.drain(master)
    alone.wait_for(lambda: sum(alone.starts().values()) >= 3)
    os.write(master, b"\x03")
    assert process.wait(40) == 130
    ended = sum(line.startswith("end") for line in alone.log.read_text().splitlines())
    assert ended == sum(alone.starts().values())
    drain.join(5)
    os.close(master)
    alone.check_processes()


def test_a_second_driver_of_the_same_run_is_refused(bench: Bench) -> None:
    bench.write(works(20, seconds=0.5), executor="inline")
    bench.address = None
    first = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 1)
    told = bench.call("run")
    assert told.returncode == 3
    assert str(first.pid) in told.stderr
    first.kill()
    first.wait(10)
    assert bench.run()[0] == 0, "the lock of a killed driver is free at once"
    bench.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_a_disk_full_of_outputs_stops_the_run_and_loses_nothing(bench: Bench, small_disk: Path, executor: str) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2_600_000)
    output = {"folder": str(small_disk / "out"), "format": "wav"}
    bench.write(works(400, do="loud"), executor=executor, output=output)
    if executor == "inline":
        bench.address = None
    code, said = bench.run()
    assert code == 3, said
    assert "no space left" in said
    done = bench.states()
    assert set(done) == {"done"}
    ballast.unlink()
    resized = ["mount", "-o", "remount,size=64m", str(small_disk)]
    subprocess.run(resized, check=True)
    code, said = bench.run()
    assert code == 0, said
    assert bench.call("verify").returncode == 0


def test_a_disk_full_of_the_ledger_stops_the_run_and_loses_nothing(alone: Bench, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 2_800_000)
    alone.write(
        works(4000, do="talk"), executor="inline", output={"state": str(small_disk / "state")}, workers={"slots": 64}
    )
    code, said = alone.run()
    assert code == 3, said
    assert "no space left" in said
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    code, said = alone.run()
    assert code == 0, said
    assert alone.call("verify").returncode == 0


def test_an_output_folder_that_cannot_be_is_told_before_any_work(alone: Bench) -> None:
    (alone.folder / "file").write_text("not a folder")
    alone.write(works(2), executor="inline", output={"folder": "file/out"})
    code, said = alone.run()
    assert code == 3
    assert str(alone.folder / "file") in said
    assert not alone.starts()


@pytest.mark.parametrize("rest", [0.1, -10])
def test_a_truncated_output_is_noticed_and_made_again(alone: Bench, rest: float) -> None:
    alone.write(works(4), executor="inline")
    assert alone.run()[0] == 0
    whole = alone.audio()
    victim = alone.out / "audio" / "item-002.flac"
    size = victim.stat().st_size
    os.truncate(victim, int(size * rest) if rest > 0 else size + int(rest))
    assert alone.call("verify").returncode == 2
    assert alone.run()[0] == 0
    assert alone.starts() == {"item-000": 1, "item-001": 1, "item-002": 2, "item-003": 1}
    assert alone.audio() == whole
    alone.check()


def test_only_changed_items_are_done_again_and_why_says_so(alone: Bench) -> None:
    alone.write([{"id": f"i{number}", "text": f"text {number}"} for number in range(5)], executor="inline")
    assert alone.run()[0] == 0
    lines = (alone.folder / "items.jsonl").read_text().replace("text 3", "another text")
    (alone.folder / "items.jsonl").write_text(lines)
    told = alone.call("why", "i3")
    assert "'text 3'" in told.stdout
    assert "'another text'" in told.stdout
    assert alone.run()[0] == 0
    assert alone.starts() == {"i0": 1, "i1": 1, "i2": 1, "i3": 2, "i4": 1}
    alone.check()


def test_a_changed_option_of_the_task_redoes_everything(alone: Bench) -> None:
    alone.write(works(3), executor="inline")
    assert alone.run()[0] == 0
    alone.write(works(3), executor="inline", task={"loudness": 0.2})
    assert "loudness" in alone.call("why", "item-001").stdout
    assert alone.run()[0] == 0
    assert set(alone.starts().values()) == {2}
    alone.check()


def test_a_file_of_an_item_that_changed_redoes_the_item(alone: Bench) -> None:
    voices = [alone.folder / f"voice-{number}.wav" for number in range(2)]
    for voice in voices:
        voice.write_bytes(b"RIFF" + bytes(40))
    alone.write([{"id": f"i{number}", "voice": voice.name} for number, voice in enumerate(voices)], executor="inline")
    assert alone.run()[0] == 0
    voices[1].write_bytes(b"RIFF" + bytes(41))
    assert alone.run()[0] == 0
    assert alone.starts() == {"i0": 1, "i1": 2}
    alone.check()


def test_clocks_that_jump_by_an_hour_change_nothing(alone: Bench) -> None:
    alone.write(works(20, do="slow", seconds=0.3), workers={"slots": 2}, limits={"deadline_seconds": 5})
    code, output = alone.run(env={"VALLE_FAULT_AT": "clock"})
    assert code == 0, output
    assert set(alone.starts().values()) == {1}
    alone.check()


def test_without_ray_the_inline_executor_works_and_the_other_says_what_is_missing(alone: Bench) -> None:
    hidden = alone.folder / "hidden" / "ray"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'ray'\", name='ray')")
    path = os.pathsep.join([str(hidden.parent), alone.environment()["PYTHONPATH"]])
    alone.write(works(2), executor="ray")
    code, said = alone.run(env={"PYTHONPATH": path})
    assert code == 3
    assert "pip install ray" in said
    assert "inline" in said
    code, said = alone.run("--executor", "inline", env={"PYTHONPATH": path})
    assert code == 0, said


def test_events_for_machines_are_one_json_object_a_line(alone: Bench) -> None:
    alone.write(works(3, do="raise"), executor="inline")
    told = alone.call("run", "--json")
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.returncode == 2
    assert events[0]["event"] == "run_started"
    assert [event["id"] for event in events if event["event"] == "item_finished"] == [f"item-00{n}" for n in range(3)]
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["exit_code"] == 2
