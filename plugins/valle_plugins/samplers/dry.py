"""DRY: a token that would continue a sequence already drawn becomes less likely, the more so the longer the sequence.

n_i is the length in tokens of the longest earlier sequence that ends as the history does and was followed by token i;
l'_i = l_i - multiplier * base^(n_i - allowed) if n_i >= allowed, else l_i. Source: p-e-w, "DRY: A modern repetition
penalty" (text-generation-webui, pull request 5637, 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LONGEST = 50
"""Longer repeats weigh as this one does; it keeps the penalty finite and the search cheap."""


class Dry(Sampler):
    """Make tokens that would prolong a repeated sequence less likely."""

    name = "dry"

    multiplier: float = Field(0.8, ge=0, le=100, description="Penalty in logits at the allowed length; 0 is off.")
    base: float = Field(1.75, ge=1, le=4, description="Growth of the penalty with each token of the repeat.")
    allowed: int = Field(2, ge=1, lt=LONGEST, description="Tokens of the shortest repeat that is penalised.")
    window: int = Field(0, ge=0, description="Steps looked back at; 0 is all. One second of EnCodec is 75.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        reshaped = logits.clone()
        for row, seen in zip(reshaped, history, strict=True):
            self._penalise(row, seen[-self.window :])
        return reshaped

    def _penalise(self, row: Tensor, seen: Tensor) -> None:
        followers, lengths = seen[1:], repeat_lengths(seen)
        known = (followers < len(row)) & (lengths >= self.allowed)
        longest = lengths.new_zeros(len(row)).scatter_reduce(0, followers[known], lengths[known], "amax")
        penalty = self.multiplier * self.base ** (longest - self.allowed).to(row.dtype)
        row -= penalty.where(longest > 0, 0)


def repeat_lengths(seen: Tensor) -> Tensor:
    """For each token of `seen` (n,) but the last: how many tokens up to it equal as many up to the last one.

    Returns (n - 1,) int64, (0,) for an empty history; counted up to `LONGEST`.
    """
    padded = seen.new_full((LONGEST + len(seen),), -1)
    padded[LONGEST:] = seen
    endings = padded.unfold(0, LONGEST, 1)[1:]
    last = endings[-1:]
    same = (endings[:-1] == last) & (last >= 0)
    return same.flip(1).long().cumprod(dim=1).sum(dim=1)
