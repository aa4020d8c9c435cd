"""The numbers of a run: means, corpus figures and intervals of every score, over all items and over groups of them."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from valle_engine.job.items import REPEAT
from valle_engine.pace import reading_seconds
from valle_engine.scoring.hearing import Hearing, language_of
from valle_engine.scoring.intervals import Interval, ratios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.job.scoring import Scoring
    from valle_engine.parts import Scorer
    from valle_engine.records import Outcome

LENGTH = "length"
BINS = (2, 5, 10, 20)
"""Seconds of reading aloud that part the groups by length."""
BARS = 40
WORST = 20
"""Items that are named at the bad end."""
MOST_GROUPS = 1000
NOTHING_STATES = frozenset({"failed", "quarantined"})
"""States of items that gave nothing: they count with their scorer's worst figure."""


@dataclass(slots=True)
class Column:
    """One score of all items, in the order they came: its figure, not a number where there is none.

    `above` and `below` make the corpus figure; `nothing` marks items that gave nothing, whose figure is the worst.
    """

    scorer: Scorer
    figures: array[float] = field(default_factory=lambda: array("d"))
    above: array[float] = field(default_factory=lambda: array("d"))
    below: array[float] = field(default_factory=lambda: array("d"))
    nothing: bytearray = field(default_factory=bytearray)

    def add(self, figures: Mapping[str, float], *, nothing: bool) -> None:
        """Take one item's figures."""
        missing = float("nan")
        self.figures.append(figures.get(self.scorer.name, missing))
        self.nothing.append(nothing)
        if self.scorer.corpus:
            above, below = self.scorer.corpus
            self.above.append(figures.get(above, missing))
            self.below.append(figures.get(below, missing))


class Numbers:
    """Gathers outcomes one by one, in a few dozen bytes each, and makes the numbers of them.

    `digest` is that of the scoring; figures that another one gave are no figures of this one. `by` names columns.
    """

    def __init__(self, scoring: Scoring, digest: str, by: Sequence[str], resamples: int, seed: int = 0) -> None:
        self._digest = digest
        self._resamples = resamples
        self._seed = seed
        self._hearing = Hearing(scoring)
        self._columns = [Column(scorer) for scorer in scoring.scorers]
        self._groups: dict[str, list[str]] = {name: [] for name in by}
        self._ids: list[str] = []
        self._units: list[str] = []
        self._repeats = array("l")
        self.states: Counter[str] = Counter()
        self.stale = 0

    def add(self, fields: Mapping[str, Any], outcome: Outcome) -> dict[str, str]:
        """Count an outcome in; returns the group it belongs to by each column."""
        self._ids.append(outcome.id)
        self._units.append(unit_of(fields, outcome.id))
        self._repeats.append(int(fields.get(REPEAT, 0)))
        self.states[outcome.state] += 1
        fresh = outcome.scored_by == self._digest
        nothing = outcome.state in NOTHING_STATES
        self.stale += not fresh and not nothing
        for column in self._columns:
            figures = outcome.scores if fresh and not nothing else {}
            if nothing:
                figures = self._hearing.nothing(column.scorer, fields, outcome)
            column.add(figures, nothing=nothing)
        groups = {name: group_of(name, fields) for name in self._groups}
        for name, group in groups.items():
            self._groups[name].append(group)
        return groups

    def scores(self, expected: int) -> dict[str, Any]:
        """The numbers of every score, of a set of that many items."""
        told = self._told(np.arange(len(self._ids)), expected)
        return {
            column.scorer.name: {
                **told[column.scorer.name],
                **self._spread(column),
                "seeds": self._seeds(column),
            }
            for column in self._columns
        }

    def groups(self) -> dict[str, Any]:
        """The numbers of every group, by the columns that group; of very many groups, the largest."""
        return {name: self._of_groups(np.array(members)) for name, members in self._groups.items() if members}

    def _of_groups(self, members: np.ndarray) -> dict[str, Any]:
        names, inverse, counts = np.unique(members, return_inverse=True, return_counts=True)
        largest = np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS])
        order = np.argsort(inverse, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)])
        found = {}
        for place in largest:
            rows = order[starts[place] : starts[place + 1]]
            found[str(names[place])] = {"items": len(rows), "scores": self._told(rows, len(rows))}
        return found

    def _told(self, rows: np.ndarray, expected: int) -> dict[str, dict[str, Any]]:
        """What is told of every score, of some rows; all from the same draws."""
        pairs = [_pairs(column, rows) for column in self._columns]
        units = self._unit_numbers(rows)
        sides = zip(*(pair for some in pairs for pair in some), strict=True)
        sums = [_summed(np.stack(side, axis=1), units) for side in sides]
        drawn = ratios(sums[0], sums[1], self._resamples, self._seed) if len(rows) and sums else []
        intervals = iter([_plain(each) for each in drawn])
        return {
            column.scorer.name: _score(column, rows, expected, [next(intervals, None) for _ in some])
            for column, some in zip(self._columns, pairs, strict=True)
        }

    def _unit_numbers(self, rows: np.ndarray) -> np.ndarray | None:
        """The unit of each row as a number; repeats of one item are one unit. None where each is its own."""
        if not any(self._repeats):
            return None
        _, numbers = np.unique(np.array(self._units)[rows], return_inverse=True)
        return numbers

    def _spread(self, column: Column) -> dict[str, Any]:
        figures = np.array(column.figures)
        known = np.flatnonzero(~np.isnan(figures) & np.isfinite(figures))
        if not len(known):
            return {"median": None, "deviation": None, "min": None, "max": None, "histogram": None, "worst": []}
        values = figures[known]
        counts, edges = np.histogram(values, bins=BARS)
        sign = -1 if column.scorer.better == "lower" else 1
        worst = known[np.argsort(sign * values, kind="stable")[:WORST]]
        return {
            "median": float(np.median(values)),
            "deviation": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
            "min": float(values.min()),
            "max": float(values.max()),
            "over_half": int((values > 0.5).sum()) if column.scorer.corpus else None,
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
            "worst": [{"id": self._ids[place], "value": float(figures[place])} for place in worst],
        }

    def _seeds(self, column: Column) -> dict[str, Any] | None:
        """The mean of each repeat, and how much these means differ; None where items are done once."""
        repeats, figures = np.array(self._repeats), np.array(column.figures)
        means = [_mean(figures[repeats == number]) for number in sorted({*self._repeats} - {0})]
        values = [mean for mean in means if mean is not None]
        if len(values) < 2:
            return None
        return {"values": values, "mean": float(np.mean(values)), "deviation": float(np.std(values, ddof=1))}


def unit_of(fields: Mapping[str, Any], item_id: str) -> str:
    """The id of an item without the number of its repeat."""
    return item_id.rpartition(".")[0] if REPEAT in fields else item_id


def group_of(name: str, fields: Mapping[str, Any]) -> str:
    """The group of an item by a column, or by the seconds that its text takes to read."""
    if name == LENGTH and LENGTH not in fields:
        seconds = reading_seconds(str(fields.get("text") or ""), language_of(fields))
        over = sum(seconds >= edge for edge in BINS)
        edges = (0, *BINS)
        return f"{edges[over]:02d} s and more" if over == len(BINS) else f"{edges[over]:02d}-{edges[over + 1]:02d} s"
    value = fields.get(name)
    return "(none)" if value is None else str(value)


def _pairs(column: Column, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is summed above and below: of those scored, with what gave nothing counted in, and for the corpus figure."""
    figures, nothing = np.array(column.figures)[rows], np.array(column.nothing, bool)[rows]
    known = ~np.isnan(figures)
    pairs = [_masked(figures, known & ~nothing), _masked(figures, known)]
    if column.scorer.corpus:
        above, below = (np.nan_to_num(np.array(each)[rows]) for each in (column.above, column.below))
        pairs.append((above, below))
    return pairs


def _score(column: Column, rows: np.ndarray, expected: int, intervals: Sequence[Any]) -> dict[str, Any]:
    figures, nothing = np.array(column.figures)[rows], np.array(column.nothing, bool)[rows]
    scored = int((~np.isnan(figures) & ~nothing).sum())
    mean, counted, corpus = (*intervals, None)[:3]
    return {
        "better": column.scorer.better,
        "expected": expected,
        "scored": scored,
        "failed": int(nothing.sum()),
        "coverage": scored / expected if expected else 0.0,
        "mean": mean,
        "counted": counted if column.scorer.worst is not None else None,
        "corpus": corpus,
    }


def _masked(figures: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(known, figures, 0.0), known.astype(np.float64)


def _summed(rows: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    if units is None:
        return rows
    sums = np.zeros((int(units.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, units, rows)
    return sums


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _plain(interval: Interval) -> dict[str, float] | None:
    return None if np.isnan(interval.value) else asdict(interval)
