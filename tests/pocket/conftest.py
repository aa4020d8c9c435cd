"""A tiny pocket with random weights, in the files of the real one and loaded by the same way."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from valle_engine.model.config import ModelConfig
from valle_engine.model.random_weights import write_random_checkpoint
from valle_engine.training.saving import write_model
from valle_plugins.pocket import files
from valle_plugins.pocket.codec_networks import CodecNetwork, CodecSizes
from valle_plugins.pocket.export import export_model
from valle_plugins.pocket.features import weights_of
from valle_plugins.pocket.recogniser_network import RecogniserNetwork, RecogniserSizes
from valle_plugins.pocket.vocabulary import VOCABULARY

SMALL = (16, 16, 1)
CONFIG = ModelConfig(
    name="ar+nar-len",
    dim=32,
    heads=2,
    layers=2,
    tasks=9,
    langs=6,
    phonemes=len(VOCABULARY),
    characters=4,
    capabilities=frozenset({"ar", "nar", "len", "lang"}),
    sum_prompt=True,
    sum_response=True,
    restart_positions=True,
    noncausal=True,
    mended=True,
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A checkpoint as a training leaves it: whole precision, its phonemes inside."""
    folder = tmp_path_factory.mktemp("trained")
    write_random_checkpoint(folder / "random.sft", CONFIG)
    with safe_open(folder / "random.sft", framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    write_model(folder / "model.sft", tensors, CONFIG, VOCABULARY, step=7)
    return folder / "model.sft"


@pytest.fixture(scope="session")
def box(trained, tmp_path_factory):
    """A folder with all that pocket is, in small."""
    folder = tmp_path_factory.mktemp("box")
    torch.manual_seed(0)
    export_model(trained, folder / files.MODEL)
    codec = CodecNetwork(CodecSizes(latent=8, decoder=SMALL))
    save_file(weights_of(codec), folder / files.CODEC)
    write_recogniser(folder / files.RECOGNISER)
    write_sounds(folder / files.VOICES, "alba", "bruno")
    return folder


def write_recogniser(path: Path) -> None:
    network = RecogniserNetwork("abc", RecogniserSizes(body=SMALL))
    symbols = torch.tensor([ord(symbol) for symbol in network.symbols])
    save_file({**weights_of(network), "symbols": symbols}, path)


def write_sounds(folder: Path, *names: str) -> None:
    folder.mkdir()
    random = np.random.default_rng(1)
    for name in names:
        soundfile.write(folder / f"{name}.flac", random.normal(0, 0.1, 30_000), 24_000)


@pytest.fixture
def pocket(box, monkeypatch):
    """The tiny pocket where the real one would lie."""
    monkeypatch.setenv(files.FOLDER, str(box))
    return box
