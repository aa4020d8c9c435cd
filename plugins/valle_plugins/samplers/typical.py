"""Locally typical sampling: tokens whose surprise is near the expected one stay.

Tokens are taken by |-ln p_i - H|, H = -sum p_i ln p_i (nats), smallest first, until they hold the mass; l'_i = l_i
inside, -inf outside. Source: Meister et al., "Locally Typical Sampling" (arXiv:2202.00666).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from valle_engine import Sampler
from valle_plugins.samplers.mass import smallest_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Typical(Sampler):
    """Keep the tokens whose surprise is nearest the row's entropy."""

    name = "typical"

    mass: float = Field(0.95, gt=0, le=1, description="Probability the kept tokens hold; 1 keeps all.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        log_probabilities = logits.double().log_softmax(dim=-1)
        probabilities = log_probabilities.exp()
        entropy = -probabilities.xlogy(probabilities).sum(dim=-1, keepdim=True)
        kept = smallest_set(probabilities, (log_probabilities + entropy).abs(), self.mass)
        return logits.masked_fill(~kept, float("-inf"))
