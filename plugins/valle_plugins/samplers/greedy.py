"""Greedy choice: only the best token stays.

l'_i = l_i if i = argmax(l), else -inf. Of equal best tokens the one with the lowest id stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Greedy(Sampler):
    """Keep only the best token, so that every draw gives it."""

    name = "greedy"
    decides: ClassVar[bool] = True

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        return only_best(logits)


def only_best(logits: Tensor) -> Tensor:
    """Logits (rows, vocabulary) with everything but each row's best token at -inf."""
    best = logits.argmax(dim=-1, keepdim=True)
    return logits.new_full(logits.shape, float("-inf")).scatter(-1, best, logits.gather(-1, best))
