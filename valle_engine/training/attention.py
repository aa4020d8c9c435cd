"""Attention of each sequence of a pack over itself, with gradients: one by one on a CPU, padded together on a GPU.

Shapes: N places of all sequences, B sequences, L places of the longest, H heads of width D.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from valle_engine.model.layers import Attend
    from valle_engine.training.collation import Pack


def attention(pack: Pack, dropout: float) -> Attend:
    """What suits the device: a GPU wants few large calls, and a CPU no padding."""
    if pack.positions.device.type == "cpu":
        return OneByOne(pack, dropout)
    return Padded(pack, dropout)


class OneByOne:
    """Each sequence by itself. It is an `Attend`."""

    def __init__(self, pack: Pack, dropout: float) -> None:
        self._sizes = [*pack.causal, *pack.open_]
        self._causal = len(pack.causal)
        self._dropout = dropout

    def __call__(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:  # noqa: ARG002 - an `Attend`
        """Mix values (N, H, D)."""
        inner = [part.transpose(0, 1).unsqueeze(0) for part in (queries, keys, values)]
        spans = zip(*(part.split_with_sizes(self._sizes, dim=2) for part in inner), strict=True)
        mixed = [
            scaled_dot_product_attention(asking, asked, told, is_causal=number < self._causal, dropout_p=self._dropout)
            for number, (asking, asked, told) in enumerate(spans)
        ]
        return torch.cat(mixed, dim=2).squeeze(0).transpose(0, 1)


class Padded:
    """Causal sequences in one call, the others in another, each padded to its longest. It is an `Attend`."""

    def __init__(self, pack: Pack, dropout: float) -> None:
        device = pack.positions.device
        self._groups = [Group(sizes, device) for sizes in (pack.causal, pack.open_)]
        self._dropout = dropout

    def __call__(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:  # noqa: ARG002 - an `Attend`
        """Mix values (N, H, D)."""
        places = [group.places for group in self._groups]
        spans = zip(*(part.split_with_sizes(places) for part in (queries, keys, values)), strict=True)
        return torch.cat([self._mixed(*each) for each in zip(self._groups, spans, strict=True)])

    def _mixed(self, group: Group, span: tuple[Tensor, ...]) -> Tensor:
        if not group.places:
            return span[0]
        asking, asked, told = (group.pad(part) for part in span)
        # In a causal sequence padding comes after everything that could see it.
        causal = group is self._groups[0]
        mask = None if causal else group.known
        mixed = scaled_dot_product_attention(asking, asked, told, mask, self._dropout, is_causal=causal)
        return group.unpad(mixed)


class Group:
    """Sequences of these sizes, one after another in a pack. `known` (B, 1, 1, L) tells places from padding."""

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self.places = sum(sizes)
        self._shape = len(sizes), max(sizes, default=0)
        lengths = torch.tensor(sizes, dtype=torch.int64)
        known = torch.arange(self._shape[1]) < lengths[:, None]
        self._slots = known.flatten().nonzero().squeeze(1).to(device)
        self.known = known[:, None, None].to(device)

    def pad(self, packed: Tensor) -> Tensor:
        """(N, H, D) to (B, H, L, D)."""
        empty = packed.new_zeros(self._shape[0] * self._shape[1], *packed.shape[1:])
        return empty.index_copy(0, self._slots, packed).view(*self._shape, *packed.shape[1:]).transpose(1, 2)

    def unpad(self, padded: Tensor) -> Tensor:
        """(B, H, L, D) to (N, H, D)."""
        return padded.transpose(1, 2).flatten(0, 1)[self._slots]
