"""Token ban: tokens that are never drawn.

l'_i = -inf for every banned i. A row that would lose its last token is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from valle_engine import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Ban(Sampler):
    """Never draw the listed tokens."""

    name = "ban"

    tokens: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="Token ids, or one; those beyond the vocabulary ban nothing."
    )

    @field_validator("tokens", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary)."""
        reshaped = logits.clone()
        reshaped[:, [token for token in self.tokens if token < logits.shape[-1]]] = float("-inf")
        return reshaped.where(reshaped.isfinite().any(dim=-1, keepdim=True), logits)
