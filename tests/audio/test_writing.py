"""The same samples give the same bytes, and what is read back is what was written."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from valle_engine.audio import encode_clip, read_clip
from valle_engine.errors import AudioError
from valle_engine.records import Clip


def noise(count=5000):
    return Clip(np.random.default_rng(0).uniform(-1, 1, count).astype(np.float32), 24000)


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_bytes_are_stable(audio_format):
    assert encode_clip(noise(), audio_format) == encode_clip(noise(), audio_format)


@given(hnp.arrays(np.int16, st.integers(1, 300)))
def test_sixteen_bits_survive_reading_and_writing(samples):
    clip = Clip(samples.astype(np.float32) / 32768, 16000)
    for audio_format in ("flac", "wav"):
        back, rate = soundfile.read(io.BytesIO(encode_clip(clip, audio_format)), dtype="int16")
        np.testing.assert_array_equal(back, samples)
        assert rate == 16000


def test_a_written_file_reads_back_within_half_a_step(tmp_path):
    (tmp_path / "a.flac").write_bytes(encode_clip(noise(), "flac"))
    assert np.abs(read_clip(tmp_path / "a.flac").samples - noise().samples).max() <= 1 / 32768


def test_samples_beyond_full_scale_are_limited_and_never_wrap_round():
    data = encode_clip(Clip(np.float32([1.5, -1.5, 1.0, 1e30]), 24000), "wav")
    back, _ = soundfile.read(io.BytesIO(data), dtype="int16")
    assert back.tolist() == [32767, -32768, 32767, 32767]


@pytest.mark.parametrize(
    ("samples", "rate", "problem"),
    [
        ([], 24000, "no sound"),
        ([[0.0, 0.0]], 24000, "no sound"),
        ([0.0, np.nan], 24000, "no numbers"),
        ([0.0, np.inf], 24000, "no numbers"),
        ([0.0], 0, "0 Hz cannot be written as flac"),
        ([0.0], 2**40, "Hz cannot be written as flac"),
    ],
)
def test_what_is_no_sound_is_refused(samples, rate, problem):
    with pytest.raises(AudioError, match=problem):
        encode_clip(Clip(np.array(samples, np.float32), rate), "flac")
