"""What a decode loop says to the engine: the passes and draws it needs next.

A loop is a generator. It yields a list of passes and is sent their logits, or a draw and is sent a token; what it
returns is the result. It knows nothing of what else runs, which is why its result cannot depend on it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from valle_engine.model.language_model import Pass
    from valle_engine.model.sampling import Draw

T = TypeVar("T")

Work: TypeAlias = "list[Pass] | Draw"
Process: TypeAlias = Generator[Work, Any, T]


def see(passes: list[Pass]) -> Process[list[Tensor]]:
    """Take passes through the model: their logits."""
    logits: list[Tensor] = yield passes
    return logits


def ask(draw: Draw) -> Process[int]:
    """Draw one token."""
    token: int = yield draw
    return token
