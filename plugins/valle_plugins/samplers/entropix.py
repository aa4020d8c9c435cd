"""Entropix: choose temperature and cuts by how unsure each row is, and in which way.

H = -sum p_i log2 p_i (bits) says how unsure, V = sum p_i (log2 p_i + H)^2 (bits^2) how unevenly. Source: xjdr,
"entropix" (github.com/xjdr-alt/entropix, 2024), from its thresholds and factors:

    H < 0.1 and V < 0.1    certain    only the best token
    H > 5 and V < 0.1      flat       T * 1.3
    H < 5 and V > 5        forked     T * 1.2, k * 1.5
    H > 3 and V > 5        lost       T * 2
    otherwise              between    T * (1 + 0.3 (H + V)), min-p * (1 - 0.5 (H + V))

with T held in [0.5, 1.25] and min-p in [0.01, 0.5]; then l / T, min-p, top-k, top-p. The source adds terms of the
attention scores, and in the last case draws five times and keeps the best: a sampler sees logits only and never draws,
so neither is here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine import Sampler
from valle_plugins.samplers.top_p import nucleus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

COLDEST, HOTTEST = 0.5, 1.25
LOOSEST, STRICTEST = 0.01, 0.5


class Entropix(Sampler):
    """Set temperature, min-p, top-k and top-p of each row by its entropy and the variance of its surprise."""

    name = "entropix"
    decides: ClassVar[bool] = True

    temperature: float = Field(0.666, ge=0.01, le=100, description="Temperature that the cases multiply.")
    top_p: float = Field(0.9, gt=0, le=1, description="Probability the kept tokens hold.")
    top_k: int = Field(27, ge=1, description="Tokens kept; half as many more where the row forks.")
    min_p: float = Field(0.03, gt=0, le=1, description="Share of the best token's probability a token must have.")

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        entropy, variance = uncertainty(logits)
        certain = (entropy < 0.1) & (variance < 0.1)
        flat = (entropy > 5) & (variance < 0.1)
        forked = (entropy < 5) & (variance > 5)
        lost = (entropy > 3) & (variance > 5) & ~forked
        between = ~(certain | flat | forked | lost)
        doubt = (entropy + variance).where(between, 0)

        heat = 1 + 0.3 * doubt + 0.3 * flat + 0.2 * forked + lost
        temperature = (self.temperature * heat).clamp(COLDEST, HOTTEST)
        share = (self.min_p * (1 - 0.5 * doubt)).clamp(LOOSEST, STRICTEST)
        count = (forked * (self.top_k // 2) + self.top_k).where(~certain, 1)
        warmed = logits / temperature.to(logits.dtype)
        return nucleus(_best(warmed, count, share), self.top_p)


def uncertainty(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Entropy in bits and the variance of the surprise in bits^2, each (rows, 1) float64."""
    log_probabilities = logits.double().log_softmax(dim=-1)
    probabilities = log_probabilities.exp()
    bits = (log_probabilities / math.log(2)).where(probabilities > 0, 0)
    entropy = -(probabilities * bits).sum(dim=-1, keepdim=True)
    variance = (probabilities * (bits + entropy).square()).sum(dim=-1, keepdim=True)
    return entropy, variance


def _best(logits: Tensor, count: Tensor, share: Tensor) -> Tensor:
    """Logits (rows, vocabulary) cut to the `count` best (rows, 1) with `share` (rows, 1) of the best's probability."""
    ranked = logits.sort(dim=-1, descending=True).values
    worst = ranked.gather(-1, count.clamp(max=logits.shape[-1]) - 1)
    return logits.masked_fill((logits < worst) | (logits < ranked[:, :1] + share.log()), float("-inf"))
