"""The model as it learns: a pack of lessons in, a loss out.

It has the parameters of the decoding model under the same names, and the same layers; attention alone is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding

from valle_engine.training.attention import attention
from valle_engine.training.collation import check
from valle_engine.training.lessons import IGNORED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.layers import Deltas
    from valle_engine.training.collation import Pack


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Of a pack: `total`, the mean over its lessons; of each lesson its loss and its share of right targets."""

    total: Tensor
    lessons: Tensor
    right: Tensor


class Learner(nn.Module):
    """A language model whose forward pass is a loss."""

    def __init__(self, model: LanguageModel, dropout: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.dropout = dropout
        tables = {name: each for name, each in model.named_modules() if isinstance(each, nn.Embedding)}
        self._sizes = {name: table.num_embeddings for name, table in tables.items()}

    def placed(self, pack: Pack) -> Pack:
        """A pack where the weights are. Raises `ItemError` for ids that this model does not have."""
        check(pack, self._sizes)
        return pack.to(self.model.device)

    def forward(self, pack: Pack) -> Losses:
        """Losses of a pack: cross entropy over each lesson's targets, their mean, and the mean over the lessons."""
        attend = attention(pack, self.dropout if self.training else 0.0)
        hidden = self.model.model(self.embed(pack), pack.positions, attend, self.deltas())
        count = len(pack.tasks)
        sums, right, counted = (hidden.new_zeros(count, dtype=torch.float32) for _ in range(3))
        for head, reading in pack.readings.items():
            logits = self.model.classifiers(head, hidden[reading.places])
            known = (reading.targets != IGNORED).float()
            losses = cross_entropy(logits, reading.targets, ignore_index=IGNORED, reduction="none")
            sums = sums.index_add(0, reading.lessons, losses)
            counted.index_add_(0, reading.lessons, known)
            hits = (logits.detach().argmax(dim=-1) == reading.targets).float()
            right.index_add_(0, reading.lessons, hits)
        # A lesson whose frames all stayed unmasked has nothing to say.
        means = sums / counted.clamp(min=1)
        return Losses(means.mean(), means.detach(), right / counted.clamp(min=1))

    def embed(self, pack: Pack) -> Tensor:
        """Embeddings (N, d) of a pack, added up table by table."""
        packed = self.model.sep.new_zeros(len(pack.positions), self.model.config.dim)
        packed.index_add_(0, pack.separators, self.model.sep.expand(len(pack.separators), -1))
        for name, lookup in pack.lookups.items():
            packed.index_add_(0, lookup.places, embedding(lookup.ids, self.model.get_parameter(f"{name}.weight")))
        return packed

    def deltas(self) -> Mapping[int, Deltas]:
        """What adapters add to the layers: nothing."""
        return {}
