"""Small material for the recipes: tones that are phonemes, of two speakers."""

import numpy as np
import pytest
import torch

from valle_engine.records import Clip
from valle_plugins.pocket.recipes.bank import write_bank


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    write_bank(folder / "train", (_tone(number) for number in range(12)))
    write_bank(folder / "validation", (_tone(number) for number in range(4)))
    write_bank(folder / "noises", (_tone(number, noise=1.0) for number in range(2)))
    return folder


def _tone(number, noise=0.01):
    random = np.random.default_rng(number)
    time = np.arange(26_000 + 960 * number) / 24000
    pitch, phoneme = (200, "a") if number % 2 else (500, "b")
    samples = 0.3 * np.sin(2 * np.pi * pitch * time) + noise * random.normal(0, 0.3, len(time))
    return Clip(samples.astype(np.float32), 24000), f"speaker {number % 2}", phoneme, ""


@pytest.fixture(scope="session")
def tone():
    """An utterance by its number: a clip, who speaks, what, and no text."""
    return _tone
