"""Temperature: sharpen or flatten the distribution.

l'_i = l_i / T, so p'_i is proportional to p_i^(1/T). Source: Ackley, Hinton, Sejnowski, "A Learning Algorithm for
Boltzmann Machines" (Cognitive Science 9, 1985), section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from valle_engine import Sampler
from valle_plugins.samplers.greedy import only_best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LOWEST = 0.01
"""Colder than this, float32 logits overflow; it would be the greedy choice anyway."""


class Temperature(Sampler):
    """Divide the logits by a temperature: below 1 safer, above 1 more varied, 0 the greedy choice."""

    name = "temperature"

    temperature: float = Field(1.0, ge=0, le=100, description="Divisor of the logits; 0 keeps only the best token.")

    @field_validator("temperature")
    @classmethod
    def _zero_or_warm(cls, value: float) -> float:
        if 0 < value < LOWEST:
            raise ValueError(f"must be 0 (greedy) or at least {LOWEST}")
        return value

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        return logits / self.temperature if self.temperature else only_best(logits)
