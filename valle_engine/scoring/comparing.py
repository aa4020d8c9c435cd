"""Two runs held against each other, item by item: how much they differ, how sure that is, where they differ most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from valle_engine.errors import StoreError
from valle_engine.scoring.intervals import mean_of, ratio_difference, sign_flip_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.scoring.results import Results

RESAMPLES = 10_000
MOST = 20
PARTS = {"wer": "words", "cer": "characters", "per": "phonemes"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two runs, over the items that both have it of: the second's minus the first's.

    `mean` and `corpus` are mappings of value, low and high; `p_value` is that of no difference, by flipping signs.
    """

    name: str
    better: str
    items: int
    first: float
    second: float
    mean: dict[str, float]
    p_value: float
    corpus: dict[str, float] | None
    apart: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs. `alone` counts the items that only one of them has; `notes` say what was measured otherwise."""

    names: tuple[str, str]
    items: int
    alone: tuple[int, int]
    notes: list[str]
    scores: list[Difference]

    def plain(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def compare(first: Results, second: Results, seed: int = 0) -> Comparison:
    """Compare two runs on the items they have in common. Raises `StoreError` where there are none."""
    ids = [results.columns(["id"])["id"].to_pylist() for results in (first, second)]
    units = dict(zip(ids[0], first.columns(["of"])["of"].to_pylist(), strict=True))
    common = set(ids[0]) & set(ids[1])
    if not common:
        raise StoreError(f"{first.folder} and {second.folder} have no item in common")
    rows = [np.array([place for place, item in enumerate(each) if item in common]) for each in ids]
    order = [np.argsort(np.array(each)[kept]) for each, kept in zip(ids, rows, strict=True)]
    places = [kept[by] for kept, by in zip(rows, order, strict=True)]
    names = [name for name in first.summary["scores"] if name in second.summary["scores"]]
    named = [ids[0][place] for place in places[0]]
    paired = _Paired((first, second), (places[0], places[1]), named, [units[name] for name in named], seed)
    found = [difference for name in names if (difference := paired.difference(name)) is not None]
    alone = len(ids[0]) - len(common), len(ids[1]) - len(common)
    titles = str(first.summary["name"]), str(second.summary["name"])
    return Comparison(titles, len(common), alone, notes_of(first, second), found)


@dataclass(frozen=True, slots=True)
class _Paired:
    """The common items of two runs: where each has them, in the order of their ids. Repeats of an item are one unit."""

    runs: tuple[Results, Results]
    places: tuple[np.ndarray, np.ndarray]
    ids: Sequence[str]
    units: Sequence[str]
    seed: int

    def difference(self, name: str) -> Difference | None:
        first, second = self._figures(name)
        both = ~np.isnan(first) & ~np.isnan(second)
        if not both.any():
            return None
        apart = self._by_unit(second[both] - first[both], both)
        better = self.runs[0].summary["scores"][name]["better"]
        return Difference(
            name=name,
            better=better,
            items=int(both.sum()),
            first=float(first[both].mean()),
            second=float(second[both].mean()),
            mean=asdict(mean_of(apart, RESAMPLES, self.seed)),
            p_value=sign_flip_test(apart, RESAMPLES, self.seed),
            corpus=self._corpus(name, both),
            apart=self._apart(np.flatnonzero(both), first, second),
        )

    def _corpus(self, name: str, both: np.ndarray) -> dict[str, float] | None:
        unit = PARTS.get(name)
        if unit is None:
            return None
        above, below = self._figures(f"{name}.errors"), self._figures(f"{name}.{unit}")
        sides = [np.stack([above[run][both], below[run][both]], axis=1) for run in (0, 1)]
        if any(np.isnan(side).any() or not side[:, 1].sum() for side in sides):
            return None
        return asdict(ratio_difference(sides[0], sides[1], RESAMPLES, self.seed))

    def _by_unit(self, values: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """The mean of each unit."""
        _, numbers = np.unique(np.array(self.units)[kept], return_inverse=True)
        means: np.ndarray = np.bincount(numbers, values) / np.bincount(numbers)
        return means

    def _apart(self, places: np.ndarray, first: np.ndarray, second: np.ndarray) -> list[dict[str, Any]]:
        """The items that differ most."""
        by = places[np.argsort(-np.abs(second[places] - first[places]), kind="stable")[:MOST]]
        return [
            {"id": self.ids[place], "first": float(first[place]), "second": float(second[place])}
            for place in by
            if first[place] != second[place]
        ]

    def _figures(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        first, second = (
            np.array(run.columns([name])[name].to_numpy(), np.float64)[places]
            for run, places in zip(self.runs, self.places, strict=True)
        )
        return first, second


def notes_of(first: Results, second: Results) -> list[str]:
    """What was measured otherwise in the two runs: then their figures are not of one kind."""
    found = []
    sides = first.summary["scoring"], second.summary["scoring"]
    if _identity(sides[0]["normaliser"]) != _identity(sides[1]["normaliser"]):
        told = " and ".join(f"{side['normaliser']['name']} {side['normaliser']['rules']}" for side in sides)
        found.append(f"their texts were normalised by {told}")
    for kind in ("scorers", "transcribers"):
        parts = [{part["name"]: _identity(part) for part in side[kind]} for side in sides]
        common = [name for name in parts[0] if name in parts[1]]
        found += [
            f"{kind.removesuffix('s')} {name!r} had other options or another version"
            for name in common
            if parts[0][name] != parts[1][name]
        ]
    if sides[0].get("about") != sides[1].get("about"):
        found.append("weights or devices of scorers differ")
    return found


def _identity(part: dict[str, Any]) -> dict[str, Any]:
    """A part without what names the files of its own run."""
    options = {name: value for name, value in part["options"].items() if not str(value).startswith("sha256:")}
    return {**part, "options": options}
