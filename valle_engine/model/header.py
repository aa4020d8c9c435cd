"""What a checkpoint says of itself before its weights are read: for checking a job where there is no torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from valle_engine.errors import CheckpointError
from valle_engine.model.config import ModelConfig

if TYPE_CHECKING:
    from pathlib import Path

SAFETENSORS = frozenset({".sft", ".safetensors", ".safetensor"})
PICKLES = frozenset({".pth", ".pt"})
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format itself."""


def peek(path: Path) -> ModelConfig | None:
    """The config of a checkpoint; None for a pickle, which tells nothing until it is loaded.

    Raises `CheckpointError` for a file that is missing, cut short or of another kind.
    """
    suffix = path.suffix.lower()
    if suffix not in SAFETENSORS | PICKLES:
        known = ", ".join(sorted(SAFETENSORS | PICKLES))
        raise CheckpointError(f"{path}: checkpoints end in {known}")
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    if suffix in PICKLES:
        return None
    raw = json.loads(_metadata(path).get("config", "null")) or config_beside(path)
    if raw is None:
        raise no_config(path)
    return ModelConfig.parse(raw, str(path))


def no_config(path: Path) -> CheckpointError:
    """The error of a checkpoint that nothing describes."""
    return CheckpointError(f"{path}: no config inside; put it beside the weights as {path.with_suffix('.yaml').name}")


def config_beside(path: Path) -> Mapping[str, Any] | None:
    """The model's config from a YAML or JSON file with the same name, or named `config`, in the same folder."""
    for name in (path.stem, "config"):
        for suffix in CONFIG_SUFFIXES:
            beside = path.with_name(name + suffix)
            if beside.is_file():
                return _read_config(beside)
    return None


def _metadata(path: Path) -> Mapping[str, str]:
    """The metadata of a safetensors file: 8 bytes of length, a JSON table of tensors, then their data."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if 8 + length > size or length > LONGEST_HEADER:
            raise CheckpointError(f"{path}: truncated or not a safetensors file (its header is cut short)")
        try:
            table = json.loads(file.read(length))
            end = max((entry["data_offsets"][1] for key, entry in table.items() if key != "__metadata__"), default=0)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path}: not a safetensors file ({error!r}); fetch it again") from error
    if 8 + length + end != size:
        raise CheckpointError(f"{path}: truncated: {size} bytes of {8 + length + end}; fetch it again")
    metadata = table.get("__metadata__", {})
    return metadata if isinstance(metadata, Mapping) else {}


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as YAML or JSON: {error}") from error
    models = loaded.get("models") if isinstance(loaded, Mapping) else None
    if isinstance(models, list):
        students = [model for model in models if isinstance(model, Mapping) and not model.get("teacher")]
        loaded = students[0] if students else None
    if not isinstance(loaded, Mapping):
        raise CheckpointError(f"{path}: holds no model config")
    return loaded
