"""DRY: a token that would continue a sequence already drawn becomes less likely, the more so the longer the sequence.

n_i is the length in tokens of the longest earlier sequence that ends as the history does and was followed by token i;
l'_i = l_i - multiplier * base^(n_i - allowed) if n_i >= allowed, else l_i. Source: p-e-w, "DRY: A modern repetition
penalty" (text-generation-webui, pull request 5637, 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine import Sampler
from valle_plugins.samplers.recent import NOTHING, largest_by_token, newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LONGEST = 50
"""Longer repeats weigh as this one does; it keeps the penalty finite and the search cheap."""


class Dry(Sampler):
    """Make tokens that would prolong a repeated sequence less likely."""

    name = "dry"
    sequential: ClassVar[bool] = True

    multiplier: float = Field(0.8, ge=0, le=100, description="Penalty in logits at the allowed length; 0 is off.")
    base: float = Field(1.75, ge=1, le=4, description="Growth of the penalty with each token of the repeat.")
    allowed: int = Field(2, ge=1, lt=LONGEST, description="Tokens of the shortest repeat that is penalised.")
    window: int = Field(0, ge=0, description="Steps looked back at; 0 is all. One second of EnCodec is 75.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        if not history:
            return logits
        tokens = newest_first(history, self.window)
        longest = largest_by_token(repeat_lengths(tokens), tokens[:, :-1], logits.shape[-1])
        return logits - logits.new_tensor([self._penalty(length) for length in range(LONGEST + 1)])[longest]

    def _penalty(self, length: int) -> float:
        return self.multiplier * self.base ** (length - self.allowed) if length >= self.allowed else 0.0


def repeat_lengths(tokens: Tensor) -> Tensor:
    """How many tokens of each earlier place, and before it, equal the newest ones, up to `LONGEST`.

    `tokens` (rows, steps) is newest first; returns (rows, steps - 1) int64, place 0 being the token before the newest.
    """
    steps = tokens.shape[1]
    known = tokens != NOTHING
    alike = (tokens[:, 1:] == tokens[:, :1]) & known[:, :1]
    lengths = alike.long()
    for back in range(1, min(LONGEST, steps - 1)):
        newest = slice(back, back + 1)
        alike = alike[:, : steps - 1 - back] & (tokens[:, back + 1 :] == tokens[:, newest]) & known[:, newest]
        if not alike.any():
            break
        lengths[:, : steps - 1 - back] += alike
    return lengths
