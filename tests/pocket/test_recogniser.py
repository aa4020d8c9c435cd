"""Pocket's recogniser with random weights: a clip's phonemes are its own, and classes are phonemes."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError
from valle_engine.records import Clip
from valle_plugins.pocket.recogniser import SPAN_FRAMES, OpenRecogniser, open_recogniser
from valle_plugins.pocket.recogniser_network import FRAME_SAMPLES, RecogniserNetwork, RecogniserSizes


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = RecogniserNetwork("abcː", RecogniserSizes(body=(16, 32, 2)))
    torch.nn.init.normal_(network.out.weight, std=3.0)  # otherwise one phoneme is the likeliest everywhere
    return network.eval()


def sound(frames, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, frames * FRAME_SAMPLES).astype(np.float32)
    return Clip(
        samples * np.repeat(np.random.default_rng(seed).random(frames), FRAME_SAMPLES).astype(np.float32), 24000
    )


def test_a_long_clip_in_spans_is_heard_as_a_whole(network):
    clip = sound(2 * SPAN_FRAMES + 100)
    with torch.no_grad():
        whole = network.text(network(torch.from_numpy(clip.samples)[None])[0].argmax(dim=-1).tolist())
    assert OpenRecogniser(network, "cpu").transcribe([clip]) == [whole]
    assert len(set(whole)) > 1


def test_what_is_beside_a_clip_does_not_matter(network):
    recogniser = OpenRecogniser(network, "cpu")
    clips = [sound(frames, seed=frames) for frames in (40, 3, 150)]
    assert recogniser.transcribe(clips) == [recogniser.transcribe([clip])[0] for clip in clips]


def test_repeats_are_one_and_blanks_part_them(network):
    assert network.text([0, 1, 1, 0, 1, 2, 2, 0]) == "aab"
    assert network.ids("ˈa bː!") == [1, 2, 4]


@pytest.mark.parametrize("weights", [{"a": torch.zeros(2)}, {"symbols": torch.tensor([97])}])
def test_a_file_of_something_else_says_so(tmp_path, weights):
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="holds no phoneme recogniser: it lacks"):
        open_recogniser(tmp_path / "other.safetensors", "cpu")
