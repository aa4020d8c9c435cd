"""What each row drew lately, as one table; what the repetition penalty and DRY have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

NOTHING = -1


def newest_first(history: Sequence[Tensor], window: int) -> Tensor:
    """The last `window` tokens (0: all) of each row, newest first: (rows, steps) int64, filled up with `NOTHING`."""
    recent = [seen[-window:] for seen in history]
    table = recent[0].new_full((len(recent), max(map(len, recent))), NOTHING)
    for row, seen in zip(table, recent, strict=True):
        row[: len(seen)] = seen.flip(0)
    return table


def largest_by_token(values: Tensor, tokens: Tensor, vocabulary: int) -> Tensor:
    """The largest of the values >= 0 (rows, steps) that stand at each token: (rows, vocabulary), 0 where there is none.

    Values at `NOTHING`, or at tokens beyond the vocabulary, are left out.
    """
    beyond = (tokens < 0) | (tokens >= vocabulary)
    columns = tokens.masked_fill(beyond, vocabulary)
    found = values.new_zeros(len(values), vocabulary + 1).scatter_reduce(1, columns, values, "amax")
    return found[:, :vocabulary]
