"""Classifier-free guidance (arXiv:2207.12598), with the rescaling of arXiv:2305.08891, section 3.4.

g = n + s (c - n) of the logits with conditions c and without n; then g * (r std(c) / std(g) + 1 - r), where std is one
figure over all rows of the output so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Guidance:
    """How far to go from what the model says without conditions (`strength` s, 1 is nowhere) and r, the `rescale`."""

    strength: float
    rescale: float = 0.7


@dataclass(slots=True)
class _Moments:
    """Count, sum and sum of squares: enough for a standard deviation that grows."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, values: Tensor) -> _Moments:
        """With more values."""
        wide = values.double()
        return _Moments(
            self.count + values.numel(), self.total + float(wide.sum()), self.squares + float(wide.square().sum())
        )

    @property
    def deviation(self) -> float:
        return math.sqrt(max(self.squares - self.total**2 / self.count, 0.0) / (self.count - 1))


@dataclass(slots=True)
class GuidedRows:
    """Guidance of an output that grows: what is settled is remembered as moments, so no step looks back."""

    guidance: Guidance
    _conditioned: _Moments = field(default_factory=_Moments)
    _guided: _Moments = field(default_factory=_Moments)

    def __call__(self, conditioned: Tensor, bare: Tensor, settled: int) -> Tensor:
        """Guide logits (rows, vocabulary), of which the first `settled` rows will not come again."""
        guided = bare + self.guidance.strength * (conditioned - bare)
        self._conditioned, self._guided = (
            self._conditioned.plus(conditioned[:settled]),
            self._guided.plus(guided[:settled]),
        )
        of_conditioned = self._conditioned.plus(conditioned[settled:]).deviation
        of_guided = self._guided.plus(guided[settled:]).deviation
        share = self.guidance.rescale
        return guided * (share * of_conditioned / of_guided + 1 - share)


def guide(guidance: Guidance, conditioned: Tensor, bare: Tensor) -> Tensor:
    """Guide all rows (frames, vocabulary) of one output."""
    return GuidedRows(guidance)(conditioned, bare, settled=len(conditioned))
