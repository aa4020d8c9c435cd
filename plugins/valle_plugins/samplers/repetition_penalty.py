"""Repetition penalty: tokens drawn a short while ago become less likely.

f_i = 1 + (penalty - 1) * D_i^(-decay), D_i >= 1 the steps since token i was last drawn; l'_i = l_i / f_i if l_i > 0,
else l_i * f_i. Source: Keskar et al., "CTRL" (arXiv:1909.05858), section 4.1, which divides by one penalty for every
token seen; the sign rule makes that a penalty below zero too, decay and window forget. It goes by the sign of a logit,
so it belongs before steps that shift them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine import Sampler
from valle_plugins.samplers.recent import largest_by_token, newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class RepetitionPenalty(Sampler):
    """Make tokens of the last `window` steps less likely, the recent ones more so."""

    name = "repetition-penalty"
    sequential: ClassVar[bool] = True

    penalty: float = Field(1.2, ge=1, le=100, description="Divisor of a positive logit; 1 changes nothing.")
    decay: float = Field(0.0, ge=0, description="Exponent of the distance in steps; 0 forgets nothing.")
    window: int = Field(0, ge=0, description="Steps looked back at; 0 is all. One second of EnCodec is 75.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        if not history:
            return logits
        tokens = newest_first(history, self.window)
        excess = [(self.penalty - 1) * distance**-self.decay for distance in range(1, tokens.shape[1] + 1)]
        strength = logits.new_tensor(excess).expand(tokens.shape)
        factors = 1 + largest_by_token(strength, tokens, logits.shape[-1])
        return (logits / factors).where(logits > 0, logits * factors)
