"""The gate: which take is accepted, which is the best."""

from math import inf, nan

import pytest

from valle_engine.gate import best_take, violations
from valle_engine.job.schema import Bound

WER = {"wer": Bound(max=0.1)}
BOTH = {"wer": Bound(max=0.1), "similarity": Bound(min=0.6)}


@pytest.mark.parametrize("score", [0.0, 0.1])
def test_a_score_on_or_inside_its_bound_is_accepted(score: float) -> None:
    assert violations({"wer": score}, WER) == []


@pytest.mark.parametrize(("score", "why"), [(0.2, "above 0.1"), (nan, "above 0.1"), (inf, "above 0.1")])
def test_a_score_outside_its_bound_is_told(score: float, why: str) -> None:
    [told] = violations({"wer": score}, WER)
    assert why in told


def test_a_missing_score_is_not_accepted() -> None:
    assert violations({}, WER) == ["wer was not scored"]


def test_a_lower_bound_is_kept() -> None:
    assert violations({"wer": 0.0, "similarity": 0.5}, BOTH) == ["similarity 0.5 is below 0.6"]


def test_the_best_take_breaks_the_fewest_bounds() -> None:
    takes = [{"wer": 0.11, "similarity": 0.59}, {"wer": 0.9, "similarity": 0.7}]
    assert best_take(takes, BOTH) == 1


def test_between_takes_that_break_as_many_the_nearer_one_wins() -> None:
    assert best_take([{"wer": 0.5}, {"wer": 0.2}, {"wer": 0.3}], WER) == 1


def test_a_take_without_a_score_is_the_worst() -> None:
    assert best_take([{}, {"wer": 9.0}], WER) == 1


def test_the_earlier_of_equal_takes_is_kept() -> None:
    assert best_take([{"wer": 0.05}, {"wer": 0.01}], WER) == 0
