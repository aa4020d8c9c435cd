"""Top-p (nucleus sampling): only the best tokens stay, as many as hold the mass p.

The nucleus is the smallest set of best tokens with sum p_i >= p; l'_i = l_i inside, -inf outside. Source: Holtzman et
al., "The Curious Case of Neural Text Degeneration" (arXiv:1904.09751), section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler
from valle_plugins.samplers.mass import smallest_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class TopP(Sampler):
    """Keep the best tokens that together hold the probability `p`."""

    name = "top-p"

    p: float = Field(0.95, gt=0, le=1, description="Probability the kept tokens hold; 1 keeps all.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        return nucleus(logits, self.p)


def nucleus(logits: Tensor, p: float | Tensor) -> Tensor:
    """Logits (rows, vocabulary) with everything outside the nucleus at -inf; `p` is a number or (rows, 1)."""
    kept = smallest_set(logits.double().softmax(dim=-1), -logits, p)
    return logits.masked_fill(~kept, float("-inf"))
