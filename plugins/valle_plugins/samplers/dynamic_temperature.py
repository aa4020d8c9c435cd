"""Dynamic temperature: cold where the best token is likely, hot where it is not.

T = high - (high - low) / (1 + exp(-10 (p_max - 1/2))), l'_i = l_i / T. Source: the "greedy dynamic temperature" of
kalomaze's koboldcpp (2023); the idea is studied in Zhu et al., "Hot or Cold? Adaptive Temperature Sampling for Code
Generation with Large Language Models" (arXiv:2309.02772).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from valle_engine import Sampler
from valle_plugins.samplers.temperature import LOWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

STEEPNESS = 10.0
MIDPOINT = 0.5


class DynamicTemperature(Sampler):
    """Give each row a temperature between `low` (its best token is certain) and `high` (it is not)."""

    name = "dynamic-temperature"

    high: float = Field(1.0, ge=LOWEST, le=100, description="Temperature of a row without a likely token.")
    low: float = Field(0.2, ge=LOWEST, le=100, description="Temperature of a row whose best token is certain.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) must not be above high ({self.high})")
        return self

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        certainty = logits.double().softmax(dim=-1).amax(dim=-1, keepdim=True)
        share = (STEEPNESS * (certainty - MIDPOINT)).sigmoid()
        # Worked out in float64: vector and scalar sigmoid differ in the last bit, and company decides which a row gets.
        return logits / (self.high - (self.high - self.low) * share).to(logits.dtype)
