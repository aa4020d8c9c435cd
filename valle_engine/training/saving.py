"""Checkpoints of a training: a model that the engine loads, and beside it all that training goes on from.

A checkpoint is a folder that appears whole or not at all: written under another name, synced, then renamed.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError
from valle_engine.model.random_weights import as_released
from valle_engine.store.atomic import failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from valle_engine.model.config import ModelConfig

MODEL, STATE = "model.sft", "state.pt"
_NAME = re.compile(r"step-(\d{8,})")
_UNFINISHED = re.compile(r"\.step-\d+\.\d+\.tmp")


def write_model(
    path: Path, tensors: Mapping[str, Tensor], config: ModelConfig, vocabulary: Mapping[str, int], step: int
) -> None:
    """Write a model in the released container."""
    metadata = {
        "config": json.dumps(as_released(config)),
        "stats": json.dumps({"global_step": step}),
        "userdata": json.dumps({"symmap": dict(vocabulary)}),
    }
    whole = {key: tensor.detach().to("cpu").contiguous() for key, tensor in tensors.items()}
    save_file(whole, path, metadata=metadata)


class Checkpoints:
    """The checkpoints of one training, by step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> list[int]:
        """Steps of the checkpoints there are, in order."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def path(self, step: int) -> Path:
        """Folder of a checkpoint."""
        return self.folder / f"step-{step:08d}"

    def write(self, step: int, state: Mapping[str, Any], files: Mapping[str, Any]) -> None:
        """Keep a checkpoint: its state, and `files` as functions that write to a path. Raises `StoreError`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            temporary = self._temporary(step)
            temporary.mkdir()
            torch.save(dict(state), temporary / STATE)
            for name, write in files.items():
                write(temporary / name)
            for path in [*temporary.iterdir(), temporary]:
                _sync(path)
            temporary.rename(self.path(step))
            _sync(self.folder)
        except OSError as error:
            raise failed(str(self.path(step)), error) from error

    def read(self, step: int) -> dict[str, Any]:
        """State of a checkpoint. Raises `CheckpointError`."""
        path = self.path(step) / STATE
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise CheckpointError(
                f"{path}: cannot be read ({error}): remove {path.parent}, to resume before it"
            ) from error
        return state

    def thin(self, keep: int, best: int | None) -> None:
        """Remove all but the newest and the best."""
        steps = self.steps()
        for step in steps[:-keep]:
            if step != best:
                # What is removed is no checkpoint any more, not even when that is interrupted.
                shutil.rmtree(self.path(step).rename(self._temporary(step)))

    def _temporary(self, step: int) -> Path:
        return self.folder / f".step-{step}.{os.getpid()}.tmp"

    def _sweep(self) -> None:
        """Remove what a process that died has left unfinished."""
        for path in list(self.folder.iterdir()):
            if _UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
