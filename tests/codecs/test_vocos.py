"""Vocos in spans is the published model over the whole."""

import numpy as np
import pytest
import torch

from valle_engine.codecs.vocos import bandwidth_id


@pytest.mark.parametrize("frames", [1, 2, 31, 32, 33, 64, 65, 100, 700])
def test_sound_is_that_of_the_published_model_over_the_whole(vocos_codec, published_vocos, random_codes, frames):
    codes = random_codes(frames)
    features = published_vocos.codes_to_features(torch.from_numpy(codes.T.copy()))
    expected = published_vocos.decode(features, bandwidth_id=torch.tensor([2]))[0].numpy()
    [clip] = vocos_codec.decode([codes])
    assert (clip.rate, clip.samples.shape) == (24000, (320 * frames,))
    np.testing.assert_allclose(clip.samples, expected.clip(-1, 1), atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("codebooks", "bandwidth"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (8, 2)])
def test_the_bandwidth_is_the_smallest_that_holds_the_codebooks(
    vocos_codec, published_vocos, random_codes, codebooks, bandwidth
):
    codes = random_codes(20, codebooks)
    features = published_vocos.codes_to_features(torch.from_numpy(codes.T.copy()))
    expected = published_vocos.decode(features, bandwidth_id=torch.tensor([bandwidth]))[0].numpy()
    assert bandwidth_id(codebooks) == bandwidth
    np.testing.assert_allclose(vocos_codec.decode([codes])[0].samples, expected, atol=1e-5 * np.abs(expected).max())


def test_codes_are_encodecs(vocos_codec, encodec_codec, speech):
    np.testing.assert_array_equal(vocos_codec.encode([speech(5000)])[0], encodec_codec.encode([speech(5000)])[0])
