"""Min-p: tokens less likely than a share of the best one go.

l'_i = l_i if p_i >= p * p_max, else -inf; in logits l_i >= l_max + ln p. Source: Nguyen et al., "Turning Up the Heat:
Min-p Sampling for Creative and Coherent LLM Outputs" (arXiv:2407.01082).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class MinP(Sampler):
    """Drop the tokens less likely than `p` times the best one."""

    name = "min-p"

    p: float = Field(0.05, gt=0, le=1, description="Share of the best token's probability that a token must have.")
    keep: int = Field(1, ge=1, description="Best tokens that stay whatever their probability.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        best = logits.topk(min(self.keep, logits.shape[-1]), dim=-1).values
        floor = (best[:, :1] + math.log(self.p)).minimum(best[:, -1:])
        return logits.masked_fill(logits < floor, float("-inf"))
