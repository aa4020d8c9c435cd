"""Released checkpoints: read, brought to today's layout, checked, turned into a model.

Files come from strangers: safetensors, or a pickle that holds nothing but tensors and plain data.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from valle_engine.errors import CheckpointError
from valle_engine.model.config import ModelConfig
from valle_engine.model.header import PICKLES, SAFETENSORS, config_beside, no_config
from valle_engine.model.language_model import LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

UNUSED = frozenset({"dropout_token"})
OPTIONAL = frozenset({"raw_text_emb.weight"})


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A checkpoint in memory, in today's layout.

    `vocabulary` maps the phoneme tokenizer's strings to ids, empty when the file does not say; `tokenizer` is the
    `tokenizer.json` beside the weights, if there is one.
    """

    path: Path
    config: ModelConfig
    tensors: Mapping[str, Tensor]
    vocabulary: Mapping[str, int] = field(default_factory=dict)
    tokenizer: Path | None = None
    step: int = 0

    def model(self, dtype: torch.dtype | None = None, device: str = "cpu") -> LanguageModel:
        """Build the model around these weights, in `dtype` (None: as they are)."""
        model = _empty_model(self.config, raw_text="raw_text_emb.weight" in self.tensors)
        model.load_state_dict(dict(self.tensors), assign=True)
        return model.to(device=device, dtype=dtype or torch.float32).eval().requires_grad_(requires_grad=False)


def read_checkpoint(path: Path, sha256: str | None = None) -> Checkpoint:
    """Read and check a checkpoint. Raises `CheckpointError`, naming the file, for anything that is not one."""
    check_hash(path, sha256)
    container = _read_container(path)
    raw = container.config or config_beside(path)
    if raw is None:
        raise no_config(path)
    config = ModelConfig.parse(raw, str(path))
    tensors = _as_today(container.tensors, config)
    config = replace(config, demasks=_knows_demasking(tensors, config))
    _check_shapes(tensors, config, path)
    tokenizer = path.with_name("tokenizer.json")
    symbols = container.userdata.get("symmap", {})
    vocabulary = (
        {str(symbol): int(number) for symbol, number in symbols.items()} if isinstance(symbols, Mapping) else {}
    )
    return Checkpoint(path, config, tensors, vocabulary, tokenizer if tokenizer.is_file() else None, container.step)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error


def check_hash(path: Path, sha256: str | None) -> None:
    """Raise `CheckpointError` unless the file is the one that was pinned; None pins nothing."""
    if sha256 is None:
        return
    found = hash_file(path)
    if found != sha256.lower():
        raise CheckpointError(
            f"{path}: its SHA-256 is {found}, not the pinned {sha256}: fetch it again or change the pin"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Container:
    """What a file holds before it is known to be a checkpoint."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any] | None
    userdata: Mapping[str, Any]
    step: int


def _read_container(path: Path) -> _Container:
    suffix = path.suffix.lower()
    if suffix not in SAFETENSORS | PICKLES:
        known = ", ".join(sorted(SAFETENSORS | PICKLES))
        raise CheckpointError(f"{path}: checkpoints end in {known}")
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    tensors, rest = _read_safetensors(path) if suffix in SAFETENSORS else _read_pickle(path)
    stats = rest.get("stats")
    step = stats.get("global_step", 0) if isinstance(stats, Mapping) else 0
    userdata = rest.get("userdata")
    config = rest.get("config")
    return _Container(
        tensors,
        config if isinstance(config, Mapping) else None,
        userdata if isinstance(userdata, Mapping) else {},
        step if isinstance(step, int) else 0,
    )


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({error}); fetch it again") from error
    return tensors, {key: _decoded(value) for key, value in metadata.items()}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain data, and code from a file is never run; "
            "convert it to .safetensors where you trust it"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: truncated or not a checkpoint ({error}); fetch it again") from error
    module = loaded.get("module") if isinstance(loaded, dict) else None
    if not isinstance(module, Mapping) or not all(isinstance(value, Tensor) for value in module.values()):
        raise CheckpointError(f"{path}: has no `module` with the model's tensors")
    return dict(module), loaded


def _as_today(tensors: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Rename and split what older releases laid out otherwise."""
    renamed = {_renamed(key): tensor for key, tensor in tensors.items()}
    kept = {key: tensor for key, tensor in renamed.items() if key not in UNUSED}
    if "classifier.weight" in kept:
        kept = _split_heads(kept, config)
    return kept


def _renamed(key: str) -> str:
    return "model." + key.removeprefix("retnet.") if key.startswith("retnet.") else key


def _split_heads(tensors: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Cut a single output map, whose rows every level shares from 0 on, into one for each head."""
    split = {key: tensor for key, tensor in tensors.items() if not key.startswith("classifier.")}
    for index, size in enumerate(config.heads_by_name.values()):
        for kind in ("weight", "bias"):
            whole = tensors.get(f"classifier.{kind}")
            if whole is not None:
                split[f"classifiers.proj.{index}.{kind}"] = whole[:size].clone()
    return split


def _knows_demasking(tensors: Mapping[str, Tensor], config: ModelConfig) -> bool:
    """Whether the head after those of the levels is one for codes; in the first releases it is the one for text."""
    head = tensors.get(f"classifiers.proj.{config.levels}.weight")
    return head is None or len(head) != config.phonemes or config.phonemes == config.codes


def _empty_model(config: ModelConfig, *, raw_text: bool) -> LanguageModel:
    with torch.device("meta"):
        return LanguageModel(config, raw_text=raw_text)


def _check_shapes(tensors: Mapping[str, Tensor], config: ModelConfig, path: Path) -> None:
    expected = _empty_model(config, raw_text="raw_text_emb.weight" in tensors).state_dict()
    missing = sorted(expected.keys() - tensors.keys() - OPTIONAL)
    unknown = sorted(tensors.keys() - expected.keys())
    wrong = [
        f"{key} is {list(tensors[key].shape)}, not {list(wanted.shape)}"
        for key, wanted in expected.items()
        if key in tensors and tensors[key].shape != wanted.shape
    ]
    faults = [*wrong, *(f"{key} is missing" for key in missing), *(f"{key} is not known" for key in unknown)]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise CheckpointError(f"{path}: its weights do not fit its config: {'; '.join(faults[:3])}{more}")
