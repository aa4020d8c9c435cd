"""Bootstrap intervals and paired tests: seeded, so that the same scores give the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVEL = 0.95
MOST_UNITS = 4000
"""Units that are drawn from: of more items, groups are drawn, which costs no precision that could be told."""
BLOCK_CELLS = 4_000_000
"""Cells of the tables that are worked at a time: memory is bounded whatever the number of items."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def ratios(numerators: np.ndarray, denominators: np.ndarray, resamples: int, seed: int = 0) -> list[Interval]:
    """The ratio of sums of each column of two arrays (items, columns), with its percentile interval.

    The mean of a figure has ones below it where it is scored and zeros, on both sides, where it is not. Items are drawn
    with replacement (Efron 1979), the same for all columns; of very many, random groups of one size are drawn.
    """
    given = _grouped(np.concatenate([numerators, denominators], axis=1, dtype=np.float64), seed)
    columns = numerators.shape[1]
    sums = np.concatenate([counts @ given for counts in _draws(len(given), resamples, seed)])
    drawn = _divided(sums[:, :columns], sums[:, columns:])
    values = _divided(numerators.sum(axis=0), denominators.sum(axis=0))
    return [_interval(float(value), drawn[:, place]) for place, value in enumerate(values)]


def ratio_difference(first: np.ndarray, second: np.ndarray, resamples: int, seed: int = 0) -> Interval:
    """How much larger the ratio of sums of the second (items, 2) is than the first's, item by item the same draws."""
    given = _grouped(np.concatenate([first, second], axis=1, dtype=np.float64), seed)
    sums = np.concatenate([counts @ given for counts in _draws(len(given), resamples, seed)])
    drawn = _divided(sums[:, 2], sums[:, 3]) - _divided(sums[:, 0], sums[:, 1])
    total = given.sum(axis=0)
    return _interval(float(total[2] / total[3] - total[0] / total[1]), drawn)


def mean_of(values: np.ndarray, resamples: int, seed: int = 0) -> Interval:
    """The mean of values (items,) with its interval."""
    return ratios(values[:, None], np.ones((len(values), 1)), resamples, seed)[0]


def sign_flip_test(differences: np.ndarray, resamples: int, seed: int = 0) -> float:
    """Two-sided p-value that paired differences (items,) have a mean of 0, by flipping their signs at random.

    All flips are tried where there are no more of them than resamples (Fisher 1935).
    """
    items = len(differences)
    observed = abs(float(differences.mean()))
    # A sum that is equal on paper may differ in its last bits.
    bar = observed - 1e-12 * max(1.0, float(np.abs(differences).max()))
    if 2**items <= resamples:
        patterns = np.arange(2**items)[:, None] >> np.arange(items) & 1
        return float((np.abs((1 - 2 * patterns) @ differences / items) >= bar).mean())
    random = np.random.default_rng(seed)
    beyond = sum(
        int((np.abs((1 - 2 * random.integers(0, 2, (rows, items), np.int8)) @ differences / items) >= bar).sum())
        for rows in _blocks(items, resamples)
    )
    return (beyond + 1) / (resamples + 1)


def _grouped(rows: np.ndarray, seed: int) -> np.ndarray:
    """Rows summed in groups of one size, at random, when there are many: the sums vary as much as their rows do.

    The last group may be smaller by some rows.
    """
    size = -(-len(rows) // MOST_UNITS)
    if size == 1:
        return rows
    mixed = rows[np.random.default_rng(seed).permutation(len(rows))]
    summed: np.ndarray = np.add.reduceat(mixed, np.arange(0, len(mixed), size), axis=0)
    return summed


def _draws(items: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each item is drawn, (resamples of a block, items)."""
    random = np.random.default_rng(seed)
    for rows in _blocks(items, resamples):
        drawn = random.integers(0, items, (rows, items))
        drawn += np.arange(rows)[:, None] * items
        yield np.bincount(drawn.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)


def _blocks(items: int, resamples: int) -> Iterator[int]:
    most = max(1, BLOCK_CELLS // max(1, items))
    for start in range(0, resamples, most):
        yield min(most, resamples - start)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients, not a number where there is nothing to divide by."""
    found: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return found


def _interval(value: float, drawn: np.ndarray) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Interval(value, value, value)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
