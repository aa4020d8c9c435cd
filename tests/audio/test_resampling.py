"""Tones keep their height, what does not fit is filtered out, the length is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.audio import resample
from valle_engine.records import Clip


def tone(frequency, rate, count):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(count) / rate)).astype(np.float32)


@pytest.mark.parametrize("given_rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 44101])
def test_a_tone_stays_the_same_tone(given_rate):
    clip = resample(Clip(tone(1000, given_rate, given_rate), given_rate), 24000)
    inner = slice(2000, 22000)
    assert clip.samples.dtype == np.float32
    np.testing.assert_allclose(clip.samples[inner], tone(1000, 24000, 24000)[inner], atol=2e-5)


def test_what_the_lower_rate_cannot_hold_is_filtered_out():
    clip = resample(Clip(tone(13000, 44100, 44100), 44100), 24000)
    assert np.abs(clip.samples[2000:-2000]).max() < 1e-4


def test_a_clip_that_has_the_rate_is_not_touched():
    clip = Clip(tone(1000, 24000, 100), 24000)
    assert resample(clip, 24000) is clip


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 3000), rates=st.tuples(*[st.sampled_from([8000, 11025, 16000, 24000, 44100, 48000])] * 2))
def test_the_length_is_exact_and_the_sound_stays_in_range(count, rates):
    loud = np.sign(tone(300, rates[0], count))
    clip = resample(Clip(loud, rates[0]), rates[1])
    assert len(clip.samples) == -(-count * rates[1] // rates[0])
    assert np.abs(clip.samples).max() <= 1


def test_the_most_awkward_rate_costs_no_more_memory_than_a_filter():
    clip = resample(Clip(tone(1000, 767_999, 7680), 767_999), 24000)
    assert len(clip.samples) == 241
