"""`valle bench` measures, and draws the right conclusions from what it measured."""

import json

import pytest

from valle_engine.bench import Machine, Passes, Report, Steps
from valle_engine.cli import main


def test_a_measurement_is_whole(place, capsys):
    command = ["bench", "--model", str(place / "tiny.sft"), "--rows", "1", "3", "--frames", "6"]
    assert main([*command, "--precision", "float32", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [each["rows"] for each in facts["ar"]] == [1, 3]
    assert facts["slots"] in {1, 3}
    assert min(facts["gflops"], facts["gigabytes_per_second"], facts["demasking"]["real_time"]) > 0
    for each in facts["ar"]:
        assert each["ratio"] == pytest.approx(each["step_ms"] / each["linears_ms"])
        assert each["frames_per_second"] == pytest.approx(each["rows"] / each["step_ms"] * 1e3)


def test_it_reads_for_people_too(place, capsys):
    assert main(["bench", "--model", str(place / "tiny.sft"), "--rows", "1", "--frames", "3"]) == 0
    assert "suggestion: workers: {slots: 1}" in capsys.readouterr().out


def report(*steps, levels=Passes(5.0, 1e12, 375)):  # noqa: B008 - frozen
    return Report("bfloat16", "cpu", 1, 75, 2 * 10**8, Machine(4e11, 3e10), steps, levels, Passes(40.0, 4e12, 375))


def test_slots_are_those_that_are_worth_their_wait():
    fast, slow = Steps(1, 0.03, 0.03), Steps(16, 0.04, 0.03)
    assert report(fast, slow).slots == 16
    assert report(fast, slow, levels=Passes(50.0, 1e12, 375)).slots == 1, "the levels take nearly all of the time"


def test_speeds_are_those_of_speech():
    told = report(Steps(1, 1 / 75, 0.01))
    assert told.real_time(told.steps[0]) == pytest.approx(5 / (5 + 5))  # 5 s of steps and 5 s of levels
    assert told.real_time_demasked == pytest.approx(5 / 45)
    assert told.share(told.levels) == pytest.approx(0.5)
    assert told.levels.frames_per_second == 75
