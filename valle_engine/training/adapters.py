"""Low-rank adapters that learn (arXiv:2106.09685), written in the released layout; and merged into a model for good.

y = W x + (alpha / rank) B A x on the query, value and output maps and the whole MLP of every layer.
"""

from __future__ import annotations

import json
from math import sqrt
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from valle_engine.model.hub import load
from valle_engine.model.lora import merge, read_lora
from valle_engine.opened import tokenizer_of
from valle_engine.store.atomic import replacing
from valle_engine.training.learner import Learner
from valle_engine.training.saving import write_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.layers import Deltas
    from valle_engine.parts import Model
    from valle_engine.registry import Registry

ADAPTED = (
    "self_attn.q_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)
DROPOUT = 0.1
"""Of what an adapter is given, while it learns."""


class LowRankLearning(nn.Module):
    """x -> (alpha / rank) B A x. B begins at zero, so that nothing is changed at first."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        self.lora_A = nn.Parameter(linear.weight.new_empty(rank, linear.in_features))
        self.lora_B = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=sqrt(5), generator=generator)
        self._scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in) to (N, out)."""
        mixed = functional.linear(functional.dropout(x, DROPOUT, self.training), self.lora_A)
        return functional.linear(mixed, self.lora_B) * self._scale


class AdapterLearner(Learner):
    """A model that stays as it is, with an adapter that learns."""

    def __init__(self, model: LanguageModel, rank: int, alpha: float, seed: int) -> None:
        super().__init__(model.requires_grad_(requires_grad=False))
        self._config = {"name": "lora", "rank": rank, "alpha": alpha, "training": True, "embeddings": False}
        self._config |= {"parametrize": False, "rvq_levels": [], "path": None}
        generator = torch.Generator().manual_seed(seed)
        self.parts = nn.ModuleDict(
            {
                f"{layer}:{name.replace('.', '/')}": LowRankLearning(_map(model, layer, name), rank, alpha, generator)
                for layer in range(model.config.layers)
                for name in ADAPTED
            }
        ).to(model.device)

    def deltas(self) -> Mapping[int, Deltas]:
        """What the adapter adds to the layers."""
        found: dict[int, dict[str, Any]] = {}
        for key, part in self.parts.items():
            layer, _, name = key.partition(":")
            found.setdefault(int(layer), {})[name.replace("/", ".")] = part
        return found

    def write(self, path: Path, about: Mapping[str, str]) -> None:
        """Write the adapter; `about` is told in its metadata beside its config. Raises `StoreError`."""
        tensors = {
            f"model.layers.{key.replace(':', '.').replace('/', '.')}.{side}": getattr(part, side).detach().cpu()
            for key, part in self.parts.items()
            for side in ("lora_A", "lora_B")
        }
        with replacing(path) as file:
            file.write(save(tensors, metadata={"config": json.dumps(self._config), **about}))


def write_merged(model: str, models: Registry[Model], adapters: Mapping[Path, float], output: Path) -> None:
    """Write a model with adapters, each as strong as it says, added to its weights. Raises `CheckpointError`."""
    checkpoint = load(model, models)
    built = checkpoint.model()
    for path, weight in adapters.items():
        merge(built, read_lora(path), weight)
    vocabulary = tokenizer_of(checkpoint).vocabulary
    write_model(output, built.state_dict(), checkpoint.config, vocabulary, checkpoint.step)


def _map(model: LanguageModel, layer: int, name: str) -> nn.Linear:
    linear = model.get_submodule(f"model.layers.{layer}.{name}")
    if not isinstance(linear, nn.Linear):
        raise TypeError(f"layer {layer} has no linear map {name}")
    return linear
