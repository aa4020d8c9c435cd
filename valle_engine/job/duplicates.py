"""Find ids that a manifest gives twice, without keeping the ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valle_engine.job.items import picked_rows

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from valle_engine.errors import Problem
    from valle_engine.job.items import Manifest, Picked


def duplicates(manifest: Manifest, hashes: array[int]) -> Iterator[Problem]:
    """A problem for every id that was given before; `hashes` are those of all ids.

    Equal hashes only raise a suspicion: the manifest is then read once more for the ids behind them.
    """
    suspects = _repeated(hashes)
    if not suspects:
        return
    first: dict[str, str] = {}
    for picked in picked_rows(manifest):
        if picked.hash not in suspects:
            continue
        if picked.id in first:
            hint = f"it was given before, {first[picked.id]}; ids must be unique"
            yield manifest.problem(picked.row, f"id {picked.id!r} is given twice", "id", hint)
        else:
            first[picked.id] = _place(picked)


def _repeated(hashes: array[int]) -> set[int]:
    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64))
    return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def _place(picked: Picked) -> str:
    """Where a row stands; one without a line is told by its place and what it holds."""
    if picked.row.line:
        return f"in line {picked.row.line}"
    held = ", ".join(f"{name}: {value}" for name, value in picked.row.fields.items() if name != "id")
    return f"as item {picked.ordinal + 1} ({held:.200})"
