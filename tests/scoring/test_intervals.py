"""Intervals and tests against those of scipy."""

import numpy as np
import pytest
from scipy import stats

from valle_engine.scoring.intervals import MOST_UNITS, mean_of, ratio_difference, ratios, sign_flip_test

VALUES = np.random.default_rng(1).exponential(size=300)


def test_the_interval_of_a_mean_is_scipy_s():
    theirs = stats.bootstrap((VALUES,), np.mean, method="percentile", n_resamples=2000, rng=7).confidence_interval
    ours = mean_of(VALUES, 2000, seed=7)
    assert ours.value == pytest.approx(VALUES.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_the_interval_of_a_corpus_figure_is_scipy_s():
    random = np.random.default_rng(2)
    words = random.integers(1, 30, 200).astype(float)
    errors = random.binomial(words.astype(int), 0.1).astype(float)

    def rate(chosen):
        return errors[chosen].sum() / words[chosen].sum()

    places = (np.arange(200),)
    theirs = stats.bootstrap(places, rate, method="percentile", vectorized=False, n_resamples=3000, rng=3)
    [ours] = ratios(errors[:, None], words[:, None], 3000, seed=4)
    assert ours.value == errors.sum() / words.sum()
    assert ours.low == pytest.approx(theirs.confidence_interval.low, rel=0.03)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, rel=0.03)


def test_groups_of_very_many_items_give_the_same_interval():
    values = np.random.default_rng(3).exponential(size=10 * MOST_UNITS)
    found = mean_of(values, 2000)
    error = values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=error / 5)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=error / 5)


def test_the_same_seed_gives_the_same_interval():
    assert mean_of(VALUES, 500, seed=1) == mean_of(VALUES, 500, seed=1)
    assert mean_of(VALUES, 500, seed=1) != mean_of(VALUES, 500, seed=2)


@pytest.mark.parametrize("items", [9, 60])
def test_the_p_value_of_paired_differences_is_scipy_s(items):
    differences = np.random.default_rng(items).normal(0.3, 1, items)
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=9999, rng=1).pvalue
    assert sign_flip_test(differences, 9999) == pytest.approx(theirs, abs=0 if items == 9 else 0.02)


def test_no_difference_at_all_is_sure():
    assert sign_flip_test(np.zeros(30), 1000) == 1.0


def test_a_figure_that_nobody_has_is_no_number():
    [found] = ratios(np.zeros((5, 1)), np.zeros((5, 1)), 100)
    assert np.isnan(found.value)


def test_a_difference_of_corpus_figures_is_drawn_item_by_item():
    random = np.random.default_rng(0)
    words = random.integers(5, 20, 100).astype(float)
    first = np.stack([random.binomial(10, 0.1, 100), words], axis=1)
    second = np.stack([first[:, 0] + 1, words], axis=1)
    found = ratio_difference(first, second, 1000)
    assert found.value == pytest.approx(100 / words.sum())
    assert 0 < found.low < found.value < found.high
