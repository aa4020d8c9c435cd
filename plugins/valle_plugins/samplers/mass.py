"""The smallest set of tokens that holds a share of the probability; what top-p and typical sampling have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def smallest_set(probabilities: Tensor, cost: Tensor, mass: float | Tensor) -> Tensor:
    """Tokens taken in the order of their cost until they hold `mass` of the probability.

    `probabilities` and `cost` are (rows, vocabulary), `mass` in (0, 1] is a number or (rows, 1). Returns a mask (rows,
    vocabulary); the cheapest token and the one that reaches `mass` are in it. Probabilities should be float64: a device
    may sum a row in another order when it has company, and what is left of that must not decide about a token.
    """
    order = cost.argsort(dim=-1, stable=True)
    ranked = probabilities.gather(-1, order)
    spent = ranked.cumsum(dim=-1) - ranked
    within = spent < mass
    return within.scatter(-1, order, within)
