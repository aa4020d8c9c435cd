"""The codecs on a CUDA device: near the processor's result, and the same to the bit however they are asked."""

import numpy as np
import pytest

from valle_engine.codecs.encodec import EncodecNetworks, OpenEncodec
from valle_engine.codecs.vocos import OpenVocos, VocosNetworks

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def on_gpu(encodec_file, vocos_file):
    encoder = OpenEncodec(EncodecNetworks.load(encodec_file, "cuda"))
    return {"encodec": encoder, "vocos": OpenVocos(encoder, VocosNetworks.load(vocos_file, "cuda"))}


@pytest.mark.parametrize("name", ["encodec", "vocos"])
def test_the_device_changes_rounding_and_nothing_else(request, on_gpu, name, speech, random_codes):
    on_cpu = request.getfixturevalue(f"{name}_codec")
    [codes], [expected] = on_gpu[name].encode([speech(48000)]), on_cpu.encode([speech(48000)])
    assert (codes == expected).mean() > 0.99
    [clip], [wanted] = on_gpu[name].decode([random_codes(200)]), on_cpu.decode([random_codes(200)])
    np.testing.assert_allclose(clip.samples, wanted.samples, atol=1e-4)


@pytest.mark.parametrize("name", ["encodec", "vocos"])
def test_batched_and_streamed_are_the_same_bits(on_gpu, name, speech, random_codes):
    codec = on_gpu[name]
    clips = [speech(length, seed=length) for length in (5000, 48_000, 321)]
    for together, clip in zip(codec.encode(clips), clips, strict=True):
        np.testing.assert_array_equal(together, codec.encode([clip])[0])
    codes = random_codes(300)
    streamed = np.concatenate([clip.samples for clip in codec.decode_stream(np.split(codes, 25))])
    np.testing.assert_array_equal(streamed, codec.decode([codes])[0].samples)
