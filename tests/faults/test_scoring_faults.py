"""Scoring workers that die or hang: takes are scored again on another, and only who is to blame is given up."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.faults.bench import Bench, works

pytestmark = pytest.mark.faults


def grim(bench: Bench, batch: int = 4) -> dict[str, Any]:
    """A scorer that does to itself what a take's text says, and notes each batch."""
    return {"scores": [{"name": "grim", "seconds": 0.1, "log": str(bench.log)}], "scoring": {"batch": batch}}


def scorers(bench: Bench) -> list[int]:
    """Process ids of the scoring workers that have begun a batch, in the order of their first one."""
    lines = bench.log.read_text().splitlines() if bench.log.exists() else []
    return list(dict.fromkeys(int(line.split()[2]) for line in lines if line.startswith("score ")))


def test_a_scoring_worker_that_is_killed_costs_nothing(bench: Bench) -> None:
    bench.write(works(24, seconds=0.02), **grim(bench))
    process = bench.start()
    bench.wait_for(lambda: len(scorers(bench)) == 1)
    os.kill(scorers(bench)[0], signal.SIGKILL)
    assert process.wait(90) == 0, bench.said.read_text()
    rows = bench.outcomes()
    assert bench.states() == {"done": 24}
    assert all(row["scores"]["grim"] == len(item) for item, row in rows.items())
    assert len(scorers(bench)) == 2
    assert max(bench.starts().values()) == 1, "an item was done again because its scoring died"


def test_a_take_that_kills_its_scorers_is_given_up_alone(bench: Bench) -> None:
    items = works(12, seconds=0.02)
    items[5]["text"] = "kill the scorer"
    bench.write(items, **grim(bench))
    code, output = bench.run()
    assert code == 2, output
    assert bench.states() == {"done": 11, "quarantined": 1}
    poison = bench.outcomes()["item-005"]
    assert poison["state"] == "quarantined"
    assert "scoring it" in poison["message"]


def test_a_take_that_hangs_its_scorer_is_given_up_and_the_run_ends(bench: Bench) -> None:
    items = works(6, seconds=0.02)
    items[2]["text"] = "hang the scorer"
    limits = {"deadline_seconds": 6, "deadline_factor": 0.001, "crashes": 1}
    bench.write(items, limits=limits, **grim(bench, batch=2))
    code, output = bench.run(timeout=300)
    assert code == 2, output
    assert bench.states() == {"done": 5, "quarantined": 1}
    assert bench.outcomes()["item-002"]["failure"] == "Hang"


def test_a_gate_keeps_the_same_takes_after_the_driver_was_killed(bench: Bench) -> None:
    gate = {"accept": {"grim.loud": {"min": 0.083}}, "attempts": 6, "scores": [{"name": "grim", "seconds": 0.1}]}
    bench.write(works(12, seconds=0.02), **gate)
    process = bench.start()
    bench.wait_for(lambda: sum(bench.starts().values()) >= 8)
    process.kill()
    process.wait(30)
    code, output = bench.run()
    assert code in {0, 2}, output
    disturbed = bench.outcomes()
    bench.run("--start-over")
    undisturbed = bench.outcomes()
    facts = ("state", "attempt", "scores", "takes", "sha256")
    assert {item: [row[fact] for fact in facts] for item, row in disturbed.items()} == {
        item: [row[fact] for fact in facts] for item, row in undisturbed.items()
    }
    assert not list((bench.out / "takes").glob("*"))
