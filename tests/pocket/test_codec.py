"""Pocket's codec with random weights: spans change nothing, streams are the whole, files say what is wrong."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.records import Clip
from valle_plugins.pocket.codec import PocketCodec
from valle_plugins.pocket.codec_networks import FRAME_SAMPLES, CodecNetwork, CodecSizes
from valle_plugins.pocket.features import weights_of
from valle_plugins.pocket.open_codec import OpenPocketCodec, load_codec

SIZES = CodecSizes(latent=8, decoder=(16, 32, 2))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    network = CodecNetwork(SIZES).eval()
    torch.nn.init.normal_(network.decoder.head.out.weight, std=0.2)  # otherwise what lies around hardly counts
    return network


@pytest.fixture(scope="module")
def codec(network):
    return OpenPocketCodec(network, "cpu")


@pytest.fixture(scope="module")
def long_codes():
    return np.random.default_rng(0).integers(0, 1024, (700, 8))


def sound(samples, seed=0, rate=24000):
    return Clip(np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32), rate)


def test_codes_in_spans_are_those_of_the_whole(network, codec):
    clip = sound(700 * FRAME_SAMPLES)
    with torch.no_grad():
        whole = network.encode(torch.from_numpy(clip.samples)[None])[0].numpy()
    np.testing.assert_array_equal(codec.encode([clip])[0], whole)


def test_sound_in_spans_is_that_of_the_whole(network, codec, long_codes):
    with torch.no_grad():
        whole = network.decode(torch.from_numpy(long_codes)[None])[0].numpy()
    np.testing.assert_allclose(codec.decode([long_codes])[0].samples, whole.clip(-1, 1), atol=1e-5)


def test_what_is_coded_together_is_what_is_coded_alone(codec):
    clips = [sound(length, seed=length) for length in (1, 960, 50_001, 24_000)]
    for codes, clip in zip(codec.encode(clips), clips, strict=True):
        np.testing.assert_array_equal(codes, codec.encode([clip])[0])
        assert len(codes) == -(-len(clip.samples) // FRAME_SAMPLES)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.integers(1, 300), cuts=st.lists(st.integers(1, 299), max_size=6))
def test_a_stream_joined_is_the_whole_to_the_bit(codec, long_codes, frames, cuts):
    codes = long_codes[:frames]
    pieces = np.split(codes, sorted({cut for cut in cuts if cut < frames}))
    joined = np.concatenate([clip.samples for clip in codec.decode_stream(pieces)])
    np.testing.assert_array_equal(joined, codec.decode([codes])[0].samples)


def test_fewer_codebooks_can_be_heard(codec, long_codes):
    [clip] = codec.decode([long_codes[:10, :1]])
    assert (clip.rate, len(clip.samples)) == (24000, 10 * FRAME_SAMPLES)


def test_codes_out_of_range_cannot_be_decoded(codec):
    with pytest.raises(ItemError, match="to 1024 cannot be decoded: 0 to 1023"):
        codec.decode([np.full((5, 8), 1024)])


def test_weights_come_back_as_they_were_written(network, codec, tmp_path):
    path = tmp_path / "codec.safetensors"
    halves = weights_of(network)
    save_file(halves, path)
    for name, tensor in weights_of(load_codec(path)).items():
        torch.testing.assert_close(tensor, halves[name], rtol=0, atol=0)
    opened = PocketCodec(weights=str(path)).open("cpu")
    assert opened.encode([sound(9600)])[0].shape == codec.encode([sound(9600)])[0].shape


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda weights: weights.pop("decoder.backbone.convnext.0.pwconv1.weight"),
            "no codec of pocket's kind: it lacks",
        ),
        (lambda weights: weights.pop("encoder.project.weight"), "does not fit: missing"),
        (lambda weights: weights.update(more=torch.zeros(1)), "does not fit"),
    ],
)
def test_a_file_of_something_else_says_so(network, tmp_path, change, problem):
    weights = weights_of(network)
    change(weights)
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match=problem):
        load_codec(tmp_path / "other.safetensors")
