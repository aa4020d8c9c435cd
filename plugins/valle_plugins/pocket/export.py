"""From a training's checkpoint to the model that is shipped: half precision, with its codec and phonemes inside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

CODEC = "pocket"


def export_model(trained: Path, path: Path) -> None:
    """Write a checkpoint as pocket's model.

    Raises `CheckpointError` for one that says no phonemes, or whose weights half precision cannot hold.
    """
    import torch  # noqa: PLC0415 - a plugin's import stays light

    from valle_engine.model.checkpoint import read_checkpoint  # noqa: PLC0415 - same
    from valle_engine.training.saving import write_model  # noqa: PLC0415 - same

    checkpoint = read_checkpoint(trained)
    if not checkpoint.vocabulary:
        raise CheckpointError(f"{trained}: no phonemes inside: export what `valle train` has written")
    halves = {key: tensor.to(torch.float16) for key, tensor in checkpoint.tensors.items()}
    wide = sorted(key for key, tensor in halves.items() if not bool(tensor.isfinite().all()))
    if wide:
        raise CheckpointError(f"{trained}: half precision cannot hold {', '.join(wide)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_model(path, halves, replace(checkpoint.config, codec=CODEC), checkpoint.vocabulary, checkpoint.step)
