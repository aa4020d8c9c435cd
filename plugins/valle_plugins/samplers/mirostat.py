"""Mirostat: hold the surprise of what is drawn at a target, by feedback.

S_i = -log2 p_i (bits), of the distribution that enters. A ceiling mu starts at 2 * target; after each draw it moves,
mu <- mu - rate * (S_drawn - target). Version 2 keeps the tokens with S_i <= mu. Version 1 fits Zipf's exponent to the
best tokens, s = sum(t_i b_i) / sum(t_i^2), b_i = ln(p_i / p_(i+1)), t_i = ln((i + 1) / i), i = 1..100, and keeps the
round((e 2^mu / (1 - N^-e))^(1/s)) + 1 best of N tokens, e = s - 1. The best token always stays. Source: Basu et al.,
"Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity" (arXiv:2007.14966), with the authors'
published code for version 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FITTED = 100
"""Best tokens that Zipf's exponent is fitted to."""
TINY = 1e-9


@dataclass(slots=True)
class Feedback:
    """One row's ceiling in bits, and its tokens' surprise (vocabulary,) in bits before they were cut."""

    ceiling: float
    surprise: Tensor | None = None


class Mirostat(Sampler):
    """Cut unlikely tokens so that the surprise of those drawn stays near `target` bits."""

    name = "mirostat"
    sequential: ClassVar[bool] = True
    decides: ClassVar[bool] = True

    target: float = Field(3.0, gt=0, le=20, description="Surprise of a drawn token to aim at, in bits (tau).")
    rate: float = Field(0.1, gt=0, le=1, description="Share of each error that the ceiling moves by (eta).")
    version: Literal[1, 2] = Field(2, description="1 cuts by Zipf's law, 2 by surprise itself.")

    def new_state(self) -> Feedback:
        """A row's ceiling at twice the target."""
        return Feedback(2 * self.target)

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Feedback]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        surprise = logits.double().log_softmax(dim=-1) / -math.log(2)
        for state, row in zip(states, surprise, strict=True):
            state.surprise = row
        ceilings = surprise.new_tensor([state.ceiling for state in states]).view(-1, 1)
        floor = _by_zipf(surprise, ceilings) if self.version == 1 else ceilings
        cut = (surprise > floor) & (surprise > surprise.amin(dim=-1, keepdim=True))
        return logits.masked_fill(cut, float("-inf"))

    def observe(self, logits: Tensor, drawn: Tensor, states: Sequence[Feedback]) -> None:
        """Move each row's ceiling by the surprise of its drawn token."""
        for state, token in zip(states, drawn.tolist(), strict=True):
            if state.surprise is None:
                raise RuntimeError("mirostat was told of a draw from logits it has not seen")
            state.ceiling -= self.rate * (float(state.surprise[token]) - self.target)


def _by_zipf(surprise: Tensor, ceilings: Tensor) -> Tensor:
    """The surprise (rows, 1) of the k-th best token, k by Zipf's law."""
    ranked = surprise.sort(dim=-1).values
    exponent = zipf_exponent(ranked)
    excess = exponent - 1
    size = math.log2(max(surprise.shape[-1], 2))
    # log2(e / (1 - N^-e)), whose limit at e = 0 is -log2(ln N)
    spread = (excess / -(-excess * math.log(2) * size).expm1()).log2()
    spread = spread.where(excess.abs() > TINY, -math.log2(math.log(2) * size))
    rank = ((spread + ceilings) / exponent).clamp(-2, size).exp2().round().long()
    return ranked.gather(-1, rank.clamp(max=surprise.shape[-1] - 1))


def zipf_exponent(ranked: Tensor) -> Tensor:
    """Zipf's exponent (rows, 1) of ascending surprises (rows, vocabulary) in bits; near 0 when all are alike."""
    best = ranked[:, : FITTED + 1]
    places = best.new_ones(best.shape[-1]).cumsum(dim=0)
    steps = places.log().diff()
    drops = best.diff() * math.log(2)
    present = best[:, 1:].isfinite()
    weights = steps.square().where(present, 0).sum(dim=-1, keepdim=True).clamp(min=TINY)
    return ((drops * steps).where(present, 0).sum(dim=-1, keepdim=True) / weights).clamp(min=TINY)
