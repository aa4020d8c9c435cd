"""Checkpoints of random weights: the same file for the same seed everywhere, to test and to measure with."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file

from valle_engine.model.config import ModelConfig
from valle_engine.model.language_model import LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

FULL = ModelConfig(
    name="ar+nar-len",
    tasks=9,
    langs=6,
    capabilities=frozenset({"ar", "nar", "len", "lang"}),
    sum_prompt=True,
    sum_response=True,
    restart_positions=True,
    noncausal=True,
)
"""The released full-size profile: 238 million parameters."""


def write_random_checkpoint(path: Path, config: ModelConfig = FULL, seed: int = 0) -> None:
    """Write a checkpoint (.sft) of the released layout."""
    with torch.device("meta"):
        shapes = LanguageModel(config).state_dict()
    tensors = {key: torch.from_numpy(random_weight(key, tuple(meta.shape), seed)) for key, meta in shapes.items()}
    save_file(tensors, path, metadata={"config": json.dumps(as_released(config))})


def random_weight(key: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights of one key, float32, scaled so that activations neither fade nor grow."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    drawn: np.ndarray = generator.standard_normal(shape, np.float32)
    if key.endswith(("layernorm.weight", "model.norm.weight")):
        return np.float32(1) + np.float32(0.1) * drawn
    if key.startswith("classifiers"):
        return drawn * np.float32(0.5 if key.endswith("bias") else 2.5 / shape[1] ** 0.5)
    if key.startswith("model."):
        return drawn / np.float32(shape[1] ** 0.5)
    return drawn


def as_released(config: ModelConfig) -> dict[str, object]:
    """Write a config with the released names; `ModelConfig.parse` reads it back."""
    sums = {(True, True): True, (True, False): "prom", (False, True): "resp", (False, False): False}
    return {
        "name": config.name,
        "version": config.version,
        "size": {
            "dim": config.dim,
            "heads": config.heads,
            "layers": config.layers,
            "resp_levels": config.levels,
            "audio_tokens": config.codes,
            "phoneme_tokens": config.phonemes,
            "text_tokens": config.characters,
        },
        "tasks": config.tasks,
        "langs": config.langs,
        "tones": config.tones,
        "experts": 1,
        "arch_type": "llama",
        "capabilities": sorted(config.capabilities),
        "experimental": {
            "split_classifiers": True,
            "audio_embedding_sums": sums[config.sum_prompt, config.sum_response],
            "unified_position_ids": not config.restart_positions,
            "noncausal_masks": config.noncausal,
            "classifiers_bias": config.head_bias,
            **({"mended_layout": True} if config.mended else {}),
        },
        **({"codec": config.codec} if config.codec else {}),
    }
