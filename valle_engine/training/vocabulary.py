"""The symbols that a model knows, to be compared with those of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.text import Tokenizer

if TYPE_CHECKING:
    from valle_engine.parts import Model
    from valle_engine.registry import Registry


def symbols_of(vocabulary: str, models: Registry[Model]) -> frozenset[str]:
    """The symbols of a tokenizer's file (`tokenizer.json`), or of a model by its name or path, which must be here.

    Raises `CheckpointError`.
    """
    if vocabulary.endswith(".json"):
        return frozenset(Tokenizer.from_file(Path(vocabulary)).vocabulary)
    from valle_engine.model.hub import load  # noqa: PLC0415 - it loads torch

    checkpoint = load(vocabulary, models, offline=True)
    if checkpoint.tokenizer is not None:
        return frozenset(Tokenizer.from_file(checkpoint.tokenizer).vocabulary)
    return frozenset(checkpoint.vocabulary)
