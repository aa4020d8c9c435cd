"""Workers that die, hang or cannot start: only what has to be is done again, and only who is to blame is charged."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.faults.bench import Bench, works

pytestmark = pytest.mark.faults


def test_a_worker_killed_in_the_middle_of_an_item(bench: Bench) -> None:
    bench.write(works(12, seconds=0.4))
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 4)
    os.kill(bench.workers()[0], signal.SIGKILL)
    assert process.wait(60) == 0, bench.said.read_text()
    assert bench.states() == {"done": 12}
    assert sum(bench.starts().values()) <= 14, "more was begun again than what ran, and one whose end was not told yet"
    bench.check()


def test_what_waits_in_a_killed_worker_is_not_charged(bench: Bench) -> None:
    bench.write(works(8, seconds=0.5), workers={"count": 1})
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 2)
    os.kill(bench.workers()[0], signal.SIGKILL)
    assert process.wait(60) == 0
    charged = [row for row in bench.outcomes().values() if row["crashes"]]
    assert len(charged) <= 1
    bench.check()


def test_a_worker_killed_between_items_charges_nobody(bench: Bench) -> None:
    items = [*works(2), {"id": "slow", "do": "slow", "seconds": 6}]
    bench.write(items)
    process = bench.start()
    bench.wait_for(lambda: len(bench.starts()) == 3 and "end item-001" in bench.log.read_text())
    slow = next(int(line.split()[2]) for line in _lines(bench) if line.startswith("start slow"))
    for idle in set(bench.workers()) - {slow}:
        os.kill(idle, signal.SIGKILL)
    assert process.wait(60) == 0
    assert all(row["crashes"] == 0 for row in bench.outcomes().values())
    bench.check()


def test_a_worker_killed_after_its_file_stands_and_before_it_returns(alone: Bench) -> None:
    alone.write(works(6))
    code, output = alone.run(env={"VALLE_FAULT_AT": "written", "VALLE_FAULT_ITEM": "item-002"})
    assert code == 0, output
    assert alone.starts()["item-002"] == 2
    assert alone.states() == {"done": 6}
    alone.check()


def test_a_worker_killed_in_the_middle_of_writing_leaves_no_part(alone: Bench) -> None:
    alone.write(works(6))
    code, output = alone.run(env={"VALLE_FAULT_AT": "writing", "VALLE_FAULT_ITEM": "item-002"})
    assert code == 0, output
    assert alone.states() == {"done": 6}
    alone.check()


def test_a_place_that_always_dies_is_no_black_hole(alone: Bench) -> None:
    alone.write(works(30, seconds=0.1))
    code, output = alone.run(env={"VALLE_FAULT_AT": "place", "VALLE_FAULT_ITEM": "w0"})
    assert code == 0, output
    rows = alone.outcomes().values()
    assert all(row["state"] == "done" for row in rows)
    assert sum(row["crashes"] for row in rows) <= 1
    alone.check()


@pytest.mark.parametrize("poison", ["sigkill", "os-exit", "segv"])
def test_a_poison_item_starts_three_times_and_is_quarantined(bench: Bench, poison: str) -> None:
    items = works(8, seconds=0.3)  # time enough for an outcome to be told before the next item kills
    items[3]["do"] = poison
    bench.write(items)
    code, output = bench.run()
    assert code == 2, output
    assert bench.states() == {"done": 7, "quarantined": 1}
    starts = bench.starts()
    assert starts["item-003"] == 3
    assert sum(starts.values()) == 10, "an innocent item was begun twice"
    bench.check()


def test_a_poison_among_many_slots_is_found(bench: Bench) -> None:
    items = works(24, seconds=0.05)
    items[5] |= {"do": "sigkill", "seconds": 0.05}
    bench.write(items, workers={"slots": 8})
    code, output = bench.run()
    assert code == 2, output
    rows = bench.outcomes()
    assert [item for item, row in rows.items() if row["state"] == "quarantined"] == ["item-005"]
    assert all(row["crashes"] == 0 for item, row in rows.items() if item != "item-005")
    bench.check()


def test_an_item_that_calls_exit_fails_and_costs_no_worker(bench: Bench) -> None:
    """Python's own exit is an exception: it is caught, so not even the worker is lost."""
    items = works(4)
    items[1]["do"] = "exit"
    bench.write(items, workers={"count": 1})
    code, _ = bench.run()
    assert code == 2
    assert bench.outcomes()["item-001"]["failure"] == "SystemExit"
    assert len({line.split()[2] for line in _lines(bench)}) == 1
    bench.check()


@pytest.mark.parametrize(("fault", "kind"), [("raise", "ValueError"), ("bad-reduce", "BadReduceError")])
def test_an_exception_fails_its_item_once_with_its_traceback(bench: Bench, fault: str, kind: str) -> None:
    items = works(4)
    items[2]["do"] = fault
    bench.write(items)
    code, _ = bench.run()
    assert code == 2
    row = bench.outcomes()["item-002"]
    assert (row["state"], row["failure"]) == ("failed", kind)
    assert "valle_faults.py" in row["detail"]
    assert bench.starts()["item-002"] == 1
    bench.check()


def test_a_retryable_error_is_tried_again(bench: Bench) -> None:
    bench.write([{"id": "busy", "do": "flaky"}, *works(3)])
    code, output = bench.run()
    assert code == 0, output
    assert bench.outcomes()["busy"]["errors"] == 2
    bench.check()


def test_a_job_of_nothing_but_poison_stops_itself(bench: Bench) -> None:
    bench.write(works(20, do="sigkill"))
    began = time.monotonic()
    code, output = bench.run(timeout=90)
    assert code == 3, output
    assert "before any item was done" in output
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("how", "told"),
    [("raise", "weights of the model are missing"), ("exit", "no worker is left"), ("hang", "was not ready after 6 s")],
)
def test_a_worker_that_cannot_be_set_up_ends_the_run_with_the_cause(bench: Bench, how: str, told: str) -> None:
    patience = 6 if how == "hang" else 60
    bench.write(works(3), task={"name": "faulty-start", "how": how}, workers={"start_seconds": patience})
    code, output = bench.run(timeout=90)
    assert code == 3, output
    assert told in output
    assert sum(bench.starts().values()) == 0


@pytest.mark.parametrize("hang", ["hang-python", "hang-gil", "sigstop", "hang-await"])
def test_an_item_that_hangs_is_given_up_and_its_worker_replaced(bench: Bench, hang: str) -> None:
    items = works(5)
    items[1]["do"] = hang
    bench.write(items, limits={"deadline_seconds": 3, "crashes": 1})
    began = time.monotonic()
    code, output = bench.run(timeout=60)
    assert code == 2, output
    row = bench.outcomes()["item-001"]
    assert (row["state"], row["failure"]) == ("quarantined", "Hang")
    assert time.monotonic() - began < 3 + 10 + 15, "deadline, replacement, and the start of the run itself"
    bench.check()


def test_a_worker_that_hangs_before_its_first_sign_of_life(alone: Bench) -> None:
    alone.write(works(4), limits={"deadline_seconds": 3, "crashes": 1, "worker_deaths": 3})
    code, output = alone.run(timeout=90, env={"VALLE_FAULT_AT": "poll", "VALLE_FAULT_ITEM": "w0"})
    assert code == 0, output
    assert alone.states() == {"done": 4}
    alone.check()


def test_an_item_three_times_slower_than_its_deadline_that_advances_is_left_alone(bench: Bench) -> None:
    bench.write([{"id": "slow", "do": "slow", "seconds": 9}, *works(3)], limits={"deadline_seconds": 3})
    code, output = bench.run(timeout=60)
    assert code == 0, output
    assert bench.starts()["slow"] == 1
    bench.check()


def test_an_item_that_eats_the_memory_is_quarantined_for_it(alone: Bench) -> None:
    memory = psutil.virtual_memory()
    threshold = min(0.95, (memory.total - memory.available + 2_500_000_000) / memory.total)
    items = [{"id": "hungry", "do": "eat"}, *works(3)]
    alone.write(items, workers={"count": 1})
    environment = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "100"}
    code, output = alone.run(timeout=150, env=environment)
    assert code == 2, output
    rows = alone.outcomes()
    assert (rows["hungry"]["state"], rows["hungry"]["failure"]) == ("quarantined", "OutOfMemory")
    assert sum(row["state"] == "done" for row in rows.values()) == 3
    assert alone.starts()["hungry"] == 2
    alone.check()


def _lines(bench: Bench) -> list[str]:
    return bench.log.read_text().splitlines()
