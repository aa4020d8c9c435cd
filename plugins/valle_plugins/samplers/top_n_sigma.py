"""Top-n-sigma: tokens more than n standard deviations below the best logit go.

l'_i = l_i if l_i >= l_max - n * sigma, else -inf, sigma the unbiased standard deviation of the row's logits. Source:
Tang et al., "Top-n-sigma: Not All Logits Are You Need" (arXiv:2411.07641). The set is the same at every temperature.
Tokens that an earlier step removed (-inf) do not count in sigma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class TopNSigma(Sampler):
    """Keep the tokens within `n` standard deviations of the best logit."""

    name = "top-n-sigma"

    n: float = Field(1.0, gt=0, description="Standard deviations of the row's logits.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        floor = logits.amax(dim=-1, keepdim=True) - self.n * _deviation(logits)
        return logits.masked_fill(logits < floor, float("-inf"))


def _deviation(logits: Tensor) -> Tensor:
    """Unbiased standard deviation (rows, 1) float64 of the finite logits; 0 for a single one."""
    present = logits.isfinite()
    count = present.sum(dim=-1, keepdim=True)
    values = logits.double()
    mean = values.where(present, 0).sum(dim=-1, keepdim=True) / count
    squares = (values - mean).square().where(present, 0).sum(dim=-1, keepdim=True)
    deviation: Tensor = (squares / (count - 1).clamp(min=1)).sqrt()
    return deviation
