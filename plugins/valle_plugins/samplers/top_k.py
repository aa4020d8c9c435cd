"""Top-k: only the k best tokens stay.

l'_i = l_i if l_i >= the k-th largest logit of the row, else -inf; equals of the k-th best stay too. Source: Fan, Lewis,
Dauphin, "Hierarchical Neural Story Generation" (arXiv:1805.04833).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class TopK(Sampler):
    """Keep the `k` best tokens."""

    name = "top-k"

    k: int = Field(50, ge=1, description="Tokens kept.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        worst = logits.topk(min(self.k, logits.shape[-1]), dim=-1).values[:, -1:]
        return logits.masked_fill(logits < worst, float("-inf"))
