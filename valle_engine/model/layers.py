"""The parts of the body: linear layers, norm, rotary positions, MLP, decoder layer.

Shapes: N places of all packed sequences one after another, d the width, H heads of width D. Every operation here
treats each place by itself, except attention, which is lent by the caller (`cache`): so what shares a pass with a
sequence cannot change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from valle_engine.model.config import ModelConfig

EPSILON = 1e-6
THETA = 10000.0

Attend: TypeAlias = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Given a layer's number and its queries, keys and values (N, H, D): the mixed values (N, H, D)."""
Deltas: TypeAlias = Mapping[str, Callable[[Tensor], Tensor]]
"""What adapters add to a layer's linear maps, by the map's name."""


class Linear(nn.Linear):
    """A linear map that can lay its weights out for this processor, and keep a row's bits whatever is beside it.

    Packed weights (oneDNN's own layout) cost no copy per call and give a row the same bits from fewer rows on. Fewer
    rows than `floor` are padded; with a `tile`, rows are mapped that many at a time.
    """

    packed: Tensor | None = None
    floor: int = 1
    tile: int = 0

    def pack(self) -> None:
        """Lay the weights out for decoding and let go of the plain ones; there is no way back."""
        if self.packed is not None:
            return
        self.packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), None)  # noqa: SLF001 - its only name
        self.weight = nn.Parameter(self.weight.new_empty(0), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, in) to (rows, out)."""
        rows = len(x)
        if self.tile:
            tiles = functional.pad(x, (0, 0, 0, -rows % self.tile)).view(-1, self.tile, x.shape[1]).unbind()
            return torch.cat([self._map(tile) for tile in tiles])[:rows]
        if rows < self.floor:
            return self._map(functional.pad(x, (0, 0, 0, self.floor - rows)))[:rows]
        return self._map(x)

    def _map(self, x: Tensor) -> Tensor:
        if self.packed is None:
            return functional.linear(x, self.weight, self.bias)
        mapped: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")  # noqa: SLF001 - same
        return mapped


class RMSNorm(nn.Module):
    """Root mean square norm, computed in float32 (arXiv:1910.07467)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each row of (N, d)."""
        wide = x.float()
        return (wide * (wide.square().mean(dim=-1, keepdim=True) + EPSILON).rsqrt()).to(x.dtype) * self.weight


class Rotary:
    """Rotary positions (arXiv:2104.09864), first half against second half of each head, angles in float32."""

    def __init__(self, positions: Tensor, head_dim: int) -> None:
        powers = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
        angles = positions.float()[:, None, None] * THETA**-powers
        self._cos = torch.cat([angles.cos(), angles.cos()], dim=-1)
        self._sin = torch.cat([-angles.sin(), angles.sin()], dim=-1)

    def __call__(self, x: Tensor) -> Tensor:
        """Turn (N, H, D) by each row's position."""
        wide = x.float()
        return (wide * self._cos + wide.roll(x.shape[-1] // 2, dims=-1) * self._sin).to(x.dtype)


class Attention(nn.Module):
    """Multi-head self-attention without biases."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._head_dim = config.head_dim
        self.q_proj = Linear(config.dim, config.dim, bias=False)
        self.k_proj = Linear(config.dim, config.dim, bias=False)
        self.v_proj = Linear(config.dim, config.dim, bias=False)
        self.o_proj = Linear(config.dim, config.dim, bias=False)

    def forward(self, x: Tensor, layer: int, rotary: Rotary, attend: Attend, deltas: Deltas) -> Tensor:
        """Mix (N, d) as `attend` sees fit."""
        heads = (len(x), -1, self._head_dim)
        queries = apply(self.q_proj, "self_attn.q_proj", x, deltas).view(heads)
        keys = apply(self.k_proj, "self_attn.k_proj", x, deltas).view(heads)
        values = apply(self.v_proj, "self_attn.v_proj", x, deltas).view(heads)
        mixed = attend(layer, rotary(queries), rotary(keys), values).reshape(len(x), -1)
        return apply(self.o_proj, "self_attn.o_proj", mixed, deltas)


class MLP(nn.Module):
    """Gated MLP: down(gelu(gate(x)) * up(x)), exact gelu, four times as wide inside (arXiv:2002.05202, GEGLU)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.dim, 4 * config.dim, bias=False)
        self.up_proj = Linear(config.dim, 4 * config.dim, bias=False)
        self.down_proj = Linear(4 * config.dim, config.dim, bias=False)

    def forward(self, x: Tensor, deltas: Deltas) -> Tensor:
        """Map (N, d) to (N, d)."""
        gate = functional.gelu(apply(self.gate_proj, "mlp.gate_proj", x, deltas))
        inner = gate.mul_(apply(self.up_proj, "mlp.up_proj", x, deltas))
        return apply(self.down_proj, "mlp.down_proj", inner, deltas)


class DecoderLayer(nn.Module):
    """Attention and MLP, each on the normed sum so far."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.dim)
        self.post_attention_layernorm = RMSNorm(config.dim)

    def forward(self, x: Tensor, layer: int, rotary: Rotary, attend: Attend, deltas: Deltas) -> Tensor:
        """Map (N, d) to (N, d)."""
        x = x + self.self_attn(self.input_layernorm(x), layer, rotary, attend, deltas)
        mapped: Tensor = x + self.mlp(self.post_attention_layernorm(x), deltas)
        return mapped


class Body(nn.Module):
    """Llama-style decoder on embeddings, pre-normed (arXiv:2302.13971)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self._head_dim = config.head_dim
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.dim)

    def forward(self, x: Tensor, positions: Tensor, attend: Attend, deltas: Mapping[int, Deltas]) -> Tensor:
        """Map embeddings (N, d) at positions (N,) to hidden states (N, d)."""
        rotary = Rotary(positions, self._head_dim)
        for number, layer in enumerate(self.layers):
            x = layer(x, number, rotary, attend, deltas.get(number, {}))
        normed: Tensor = self.norm(x)
        return normed


def apply(linear: nn.Module, name: str, x: Tensor, deltas: Deltas) -> Tensor:
    """A linear map of (N, in), with what the adapters add to it."""
    mapped: Tensor = linear(x)
    return mapped if name not in deltas else mapped + deltas[name](x)
