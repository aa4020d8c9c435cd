"""Where pocket's files lie: beside this module, or in the folder that VALLE_POCKET names."""

from __future__ import annotations

import os
from pathlib import Path

from valle_engine.errors import CheckpointError

FOLDER = "VALLE_POCKET"
"""Environment variable: a folder that `python -m valle_plugins.pocket build` has filled."""

MODEL = "model.safetensors"
CODEC = "codec.safetensors"
RECOGNISER = "recogniser.safetensors"
SPEAKER = "speaker"
VOICES = "voices"

REMEDY = (
    "this copy of valle-engine came without pocket's weights: make them with `python -m valle_plugins.pocket build "
    f"FOLDER` and name the folder in {FOLDER}, or give another model"
)
"""What to do where weights are missing."""


def home() -> Path:
    """The folder of pocket's files; it need not exist."""
    return Path(os.environ.get(FOLDER) or Path(__file__).with_name("weights")).absolute()


def needed(name: str) -> Path:
    """One of pocket's files. Raises `CheckpointError`, which says what to do, when it is missing."""
    path = home() / name
    if not path.exists():
        raise CheckpointError(f"there is no {path}: {REMEDY}")
    return path


def voices() -> dict[str, Path]:
    """The recordings of pocket's voices by name."""
    return {path.stem: path for path in sorted((home() / VOICES).glob("*.flac"))}
