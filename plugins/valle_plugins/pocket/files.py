"""Where pocket's files lie: beside this module, or in the folder that VALLE_POCKET names."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "VALLE_POCKET"
"""Environment variable: a folder that `python -m valle_plugins.pocket build` has filled."""

MODEL = "model.sft"
CODEC = "codec.sft"
RECOGNISER = "recogniser.sft"
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


def voices() -> dict[str, Path]:
    """The recordings of pocket's voices by name."""
    return {path.stem: path for path in sorted((home() / VOICES).glob("*.flac"))}
