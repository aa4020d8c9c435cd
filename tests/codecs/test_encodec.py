"""EnCodec in spans is the published model over the whole, and the same to the bit however it is asked."""

import numpy as np
import pytest
import torch

from valle_engine.codecs.encodec import EncodecNetworks, OpenEncodec
from valle_engine.codecs.spans import spans
from valle_engine.records import Clip

SPANS = [stop * 320 for (_, stop), _ in zip(spans(256), range(4), strict=False)]


@pytest.mark.parametrize(
    "samples", [1, 5, 319, 320, 321, 2000, SPANS[0] - 1, SPANS[0], SPANS[0] + 1, SPANS[1] + 7, SPANS[3] + 12345]
)
def test_codes_are_those_of_the_published_model_over_the_whole(encodec_codec, published_encodec, speech, samples):
    clip = speech(samples)
    with torch.inference_mode():
        [(expected, _)] = published_encodec.encode(torch.from_numpy(clip.samples)[None, None])
    [codes] = encodec_codec.encode([clip])
    assert codes.dtype == np.int64
    np.testing.assert_array_equal(codes, expected[0].T.numpy())


@pytest.mark.parametrize("frames", [1, 2, 31, 32, 33, 100, 700])
def test_sound_is_that_of_the_published_model_over_the_whole(encodec_codec, published_encodec, random_codes, frames):
    codes = random_codes(frames)
    with torch.inference_mode():
        expected = published_encodec.decode([(torch.from_numpy(codes.T)[None], None)])[0, 0]
    [clip] = encodec_codec.decode([codes])
    assert (clip.rate, len(clip.samples), clip.samples.dtype) == (24000, 320 * frames, np.float32)
    np.testing.assert_allclose(clip.samples, expected.clamp(-1, 1).numpy(), atol=5e-6)


def test_both_layouts_of_the_checkpoint_give_the_same_codec(encodec_file, encodec_codec, speech, tmp_path):
    tensors = torch.load(encodec_file, weights_only=True)
    renamed = {_transformers_name(name): tensor for name, tensor in tensors.items()}
    torch.save(renamed, tmp_path / "pytorch_model.bin")
    other = OpenEncodec(EncodecNetworks.load(tmp_path / "pytorch_model.bin", "cpu"))
    [codes], [expected] = other.encode([speech(9000)]), encodec_codec.encode([speech(9000)])
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_array_equal(other.decode([codes])[0].samples, encodec_codec.decode([codes])[0].samples)


def _transformers_name(name):
    """As transformers' conversion of EnCodec names them, with its newer form of weight normalisation."""
    name = name.replace("quantizer.vq.", "quantizer.").replace("._codebook.", ".codebook.")
    name = name.replace(".model.", ".layers.").replace(".conv.conv.", ".conv.").replace(".convtr.convtr.", ".conv.")
    name = name.replace("weight_g", "parametrizations.weight.original0")
    return name.replace("weight_v", "parametrizations.weight.original1")


def test_half_precision_files_are_computed_in_single_precision(encodec_file, tmp_path, speech):
    tensors = {name: tensor.half() for name, tensor in torch.load(encodec_file, weights_only=True).items()}
    torch.save(tensors, tmp_path / "half.th")
    codec = OpenEncodec(EncodecNetworks.load(tmp_path / "half.th", "cpu"))
    assert codec.decode(codec.encode([speech(4000)]))[0].samples.dtype == np.float32


def test_another_rate_is_brought_to_the_codecs(encodec_codec, speech):
    [codes] = encodec_codec.encode([speech(44100, rate=44100)])
    assert codes.shape == (75, 8)


def test_opening_a_codec_leaves_the_global_random_stream_alone(encodec_file):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    EncodecNetworks.load(encodec_file, "cpu")
    assert torch.equal(torch.rand(3), expected)


def test_sound_stays_in_range(encodec_codec, random_codes):
    loud = Clip(np.sign(np.sin(np.arange(24000) / 5)).astype(np.float32), 24000)
    for codes in (*encodec_codec.encode([loud]), random_codes(50)):
        assert np.abs(encodec_codec.decode([codes])[0].samples).max() <= 1
