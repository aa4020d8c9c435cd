"""From logits to tokens: a chain of samplers shapes them, the engine draws with the item's own random stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from valle_engine.parts import Sampler

Chain: TypeAlias = "tuple[Sampler, ...] | None"
"""Samplers in the order they are applied; an empty chain draws from the model as it is, None takes the best token."""


def new_states(chain: Chain) -> list[Any]:
    """State of one row for each sampler of a chain."""
    return [sampler.new_state() for sampler in chain or ()]


def stream(seed: int) -> np.random.Generator:
    """The random stream of one take of one item."""
    return np.random.Generator(np.random.PCG64(seed))


@dataclass(slots=True, eq=False)
class Draw:
    """A token wanted for one row: logits (1, vocabulary), its history (steps,), its states, its next random number."""

    logits: Tensor
    chain: Chain
    history: Tensor
    states: Sequence[Any]
    chance: float


def draw_together(draws: Sequence[Draw]) -> list[int]:
    """Tokens for rows that share one chain. Raises `ItemError` when samplers leave a row nothing to draw."""
    logits = torch.cat([draw.logits for draw in draws])
    chain = draws[0].chain
    if chain is None:
        return best(logits).tolist()
    memories = list(zip(*(draw.states for draw in draws), strict=True))
    shaped = _shape(logits, chain, [draw.history for draw in draws], memories)
    drawn = pick(shaped, np.array([draw.chance for draw in draws]))
    for sampler, memory in zip(chain, memories, strict=True):
        sampler.observe(shaped, drawn, memory)
    return drawn.tolist()


def shape_row(logits: Tensor, chain: Chain, history: Tensor, states: Sequence[Any]) -> Tensor:
    """Logits (1, vocabulary) of one row with its history and states, shaped."""
    return _shape(logits, chain or (), [history], [(state,) for state in states])


def shape_frames(logits: Tensor, chain: Chain) -> Tensor:
    """Logits (frames, vocabulary) of one item's frames, all decided at once: none has a history."""
    if not chain:
        return logits
    nothing = logits.new_empty(0, dtype=torch.int64)
    memories = [tuple(sampler.new_state() for _ in logits) for sampler in chain]
    return _shape(logits, chain, [nothing] * len(logits), memories)


def best(logits: Tensor) -> Tensor:
    """The best token of each row (rows, vocabulary); of equals the first."""
    return logits.argmax(dim=-1)


def pick(logits: Tensor, chances: np.ndarray) -> Tensor:
    """Tokens (rows,) of logits (rows, vocabulary) by inverting each row's distribution at its chance in [0, 1).

    Raises `ItemError` for a row without a finite logit.
    """
    mass = logits.double().softmax(dim=-1).cumsum(dim=-1)
    total = mass[:, -1:]
    if not bool(total.isfinite().all()):
        raise ItemError("the samplers leave no token to draw: loosen those that cut (top-k, top-p, ban)")
    aims = torch.from_numpy(chances).to(mass.device)[:, None] * total
    return torch.searchsorted(mass, aims, right=True).squeeze(1).clamp(max=logits.shape[1] - 1)


def _shape(logits: Tensor, chain: Sequence[Sampler], histories: Sequence[Tensor], memories: Sequence[Any]) -> Tensor:
    for sampler, memory in zip(chain, memories, strict=True):
        logits = sampler(logits, histories, memory)
    return logits
