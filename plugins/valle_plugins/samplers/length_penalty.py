"""Length penalty: the stop token becomes less (or more) likely as the output grows.

f = (n + 1)^penalty after n tokens; l'_stop = l_stop / f if l_stop > 0, else l_stop * f. The factor is that of Wu et
al., "Google's Neural Machine Translation System" (arXiv:1609.08144), section 7, moved from the score of a whole
hypothesis to the one token that ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class LengthPenalty(Sampler):
    """Make the stop token less likely with every token drawn (`penalty` > 0), or more likely (`penalty` < 0)."""

    name = "length-penalty"
    sequential: ClassVar[bool] = True

    penalty: float = Field(ge=-10, le=10, description="Exponent of the length in tokens; 0 changes nothing.")
    token: int = Field(1024, ge=0, description="The stop token; logits without it are left alone.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        if self.token >= logits.shape[-1]:
            return logits
        factors = logits.new_tensor([(len(seen) + 1) ** self.penalty for seen in history])
        stop = logits[:, self.token]
        reshaped = logits.clone()
        reshaped[:, self.token] = (stop / factors).where(stop > 0, stop * factors)
        return reshaped
