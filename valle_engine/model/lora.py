"""Low-rank adapters (arXiv:2106.09685): read, several at once with weights, per level, or merged into the weights.

y = W x + w (alpha / rank) B A x, on the query, value and output maps and the whole MLP of every layer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from valle_engine.errors import CheckpointError
from valle_engine.model.layers import Linear

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.layers import Deltas

_KEY = re.compile(
    r"model\.layers\.(?P<layer>\d+)\.(?P<map>self_attn\.[qvo]_proj|mlp\.(?:gate|up|down)_proj)"
    r"\.(?P<whole>parametrizations\.weight\.0\.)?lora_(?P<side>[AB])"
)


@dataclass(frozen=True, slots=True, eq=False)
class LoraFile:
    """An adapter as a file holds it: factors `A`, `B` by layer and map; active at `levels`, at all when empty.

    With `whole`, the factors' product has the shape of the transposed weight, and is reshaped, not turned, to fit it.
    """

    path: Path
    name: str
    scale: float
    levels: frozenset[int]
    factors: Mapping[tuple[int, str], Mapping[str, Tensor]]
    whole: bool


def read_lora(path: Path) -> LoraFile:
    """Read an adapter. Raises `CheckpointError` for a file that is none."""
    try:
        with safe_open(path, framework="pt") as file:
            config = json.loads((file.metadata() or {}).get("config", "null"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: truncated or not an adapter file ({error})") from error
    factors: dict[tuple[int, str], dict[str, Tensor]] = {}
    forms: set[bool] = set()
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise CheckpointError(f"{path}: {key} is not a part of an adapter of this model family")
        factors.setdefault((int(match["layer"]), match["map"]), {})[match["side"]] = tensor
        forms.add(match["whole"] is not None)
    if len(forms) != 1 or any(pair.keys() != {"A", "B"} for pair in factors.values()):
        raise CheckpointError(f"{path}: an adapter needs an A and a B for every map it changes, all of one form")
    rank, alpha, levels = _parse_config(config, path)
    if any(pair["A"].shape[0] != rank or pair["B"].shape[1] != rank for pair in factors.values()):
        raise CheckpointError(f"{path}: its config says rank {rank}, its factors another")
    return LoraFile(path, str(config.get("name", path.stem)), alpha / rank, levels, factors, forms.pop())


class Adapters(nn.Module):
    """Adapters attached to a model, each with its weight."""

    def __init__(self, model: LanguageModel, files: Sequence[tuple[LoraFile, float]]) -> None:
        super().__init__()
        self._levels = [file.levels for file, _ in files]
        self.parts = nn.ModuleList(nn.ModuleDict(_modules(model, file, weight)) for file, weight in files)
        self._cache: dict[tuple[int, ...], Mapping[int, Deltas]] = {}

    def active(self, level: int) -> tuple[int, ...]:
        """Which adapters act at a level."""
        return tuple(index for index, levels in enumerate(self._levels) if not levels or level in levels)

    def deltas(self, level: int) -> Mapping[int, Deltas]:
        """What they add, by layer and map."""
        key = self.active(level)
        if key not in self._cache:
            self._cache[key] = self._collect(key)
        return self._cache[key]

    def _collect(self, active: Sequence[int]) -> Mapping[int, Deltas]:
        acting: dict[int, dict[str, list[nn.Module]]] = {}
        for index in active:
            for key, module in self.parts[index].items():  # type: ignore[operator]
                layer, _, name = key.partition(":")
                acting.setdefault(int(layer), {}).setdefault(name.replace("/", "."), []).append(module)
        return {layer: {name: Sum(modules) for name, modules in by_name.items()} for layer, by_name in acting.items()}


class LowRank(nn.Module):
    """x -> B A x, the scale folded into B."""

    def __init__(self, down: Tensor, up: Tensor) -> None:
        super().__init__()
        self.down, self.up = _linear(down), _linear(up)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in) to (N, out)."""
        mapped: Tensor = self.up(self.down(x))
        return mapped


class Sum:
    """What several adapters add to one map."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._modules = modules

    def __call__(self, x: Tensor) -> Tensor:
        """Map (N, in) to (N, out)."""
        total: Tensor = self._modules[0](x)
        for module in self._modules[1:]:
            total = total + module(x)
        return total


def attach(model: LanguageModel, files: Sequence[tuple[LoraFile, float]]) -> None:
    """Let adapters act beside the weights, in place of any that did. Raises `CheckpointError` for a misfit."""
    model.adapters = Adapters(model, files) if files else None


@torch.no_grad()
def merge(model: LanguageModel, file: LoraFile, weight: float = 1.0) -> None:
    """Add an adapter to the weights for good, before the engine prepares them.

    Raises `CheckpointError` for a misfit, and for one that acts at some levels only.
    """
    if file.levels:
        raise CheckpointError(
            f"{file.path}: acts at levels {sorted(file.levels)} only: attach it, merging knows no level"
        )
    for (layer, name), pair in file.factors.items():
        linear = _target(model, file, layer, name)
        linear.weight += (weight * file.scale * _product(file, pair)).to(linear.weight)


def _modules(model: LanguageModel, file: LoraFile, weight: float) -> dict[str, nn.Module]:
    modules: dict[str, nn.Module] = {}
    for (layer, name), pair in file.factors.items():
        like = _target(model, file, layer, name).weight
        scale = weight * file.scale
        if file.whole:
            part: nn.Module = _linear((scale * _product(file, pair)).to(like))
        else:
            part = LowRank(pair["A"].to(like), (scale * pair["B"]).to(like))
        modules[f"{layer}:{name.replace('.', '/')}"] = part
    return modules


def _product(file: LoraFile, pair: Mapping[str, Tensor]) -> Tensor:
    product = pair["B"].float() @ pair["A"].float()
    return product.reshape(product.shape[1], product.shape[0]) if file.whole else product


def _target(model: LanguageModel, file: LoraFile, layer: int, name: str) -> Linear:
    if layer >= model.config.layers:
        raise CheckpointError(f"{file.path}: changes layer {layer}; the model has {model.config.layers} layers")
    linear = model.get_submodule(f"model.layers.{layer}.{name}")
    if not isinstance(linear, Linear) or linear.packed is not None:
        raise CheckpointError(f"{file.path}: the model's weights are already laid out for decoding: adapt it before")
    shape = _product(file, file.factors[layer, name]).shape
    if shape != linear.weight.shape:
        raise CheckpointError(
            f"{file.path}: {name} of layer {layer} is for {list(shape)}, not {list(linear.weight.shape)}"
        )
    return linear


def _linear(weight: Tensor) -> Linear:
    linear = Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    linear.weight = nn.Parameter(weight, requires_grad=False)
    return linear


def _parse_config(config: Any, path: Path) -> tuple[int, float, frozenset[int]]:
    if not isinstance(config, Mapping):
        raise CheckpointError(f"{path}: has no adapter config in its metadata")
    rank, alpha, levels = config.get("rank"), config.get("alpha"), config.get("rvq_levels", [])
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, (int, float)) or not isinstance(levels, list):
        raise CheckpointError(f"{path}: its config needs rank, alpha and a list rvq_levels, not {dict(config)}")
    return rank, float(alpha), frozenset(levels)
