"""However codes and clips are asked for, alone, together or in a stream, each codec's result is the same to the bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valle_engine.errors import ItemError
from valle_engine.parts import OpenCodec
from valle_engine.records import Clip

LENGTHS = (3200, 1, 50_001, 24_000, 10_240)


def test_clips_encoded_together_are_those_encoded_alone(codec, speech):
    clips = [speech(length, seed=seed) for seed, length in enumerate(LENGTHS)]
    for codes, clip in zip(codec.encode(clips), clips, strict=True):
        np.testing.assert_array_equal(codes, codec.encode([clip])[0])


def test_codes_decoded_together_are_those_decoded_alone(codec, random_codes):
    batch = [random_codes(frames, seed=frames) for frames in (40, 1, 300, 75)]
    for clip, codes in zip(codec.decode(batch), batch, strict=True):
        np.testing.assert_array_equal(clip.samples, codec.decode([codes])[0].samples)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.integers(1, 420), cuts=st.lists(st.integers(1, 419), max_size=8))
def test_a_stream_joined_is_the_whole(codec, random_codes, frames, cuts):
    codes = random_codes(frames)
    pieces = np.split(codes, sorted({cut for cut in cuts if cut < frames}))
    clips = list(codec.decode_stream(pieces))
    assert {clip.rate for clip in clips} == {24000}
    np.testing.assert_array_equal(np.concatenate([clip.samples for clip in clips]), codec.decode([codes])[0].samples)


def test_a_stream_speaks_before_the_codes_end(codec, random_codes):
    arrived = []

    def pieces():
        for piece in np.split(random_codes(640), 64):
            arrived.append(len(piece))
            yield piece

    first = next(codec.decode_stream(pieces()))
    assert len(first.samples) == 32 * 320
    assert sum(arrived) <= 70


def test_what_comes_first_does_not_depend_on_what_comes_later(codec, random_codes):
    codes = random_codes(400)
    [short], [long] = codec.decode([codes[:200]]), codec.decode([codes])
    np.testing.assert_allclose(short.samples[: 160 * 320], long.samples[: 160 * 320], atol=1e-6)


def test_no_codes_give_no_clips(codec):
    assert list(codec.decode_stream([])) == []
    assert codec.encode([]) == []
    assert codec.decode([]) == []


@pytest.mark.parametrize(
    ("codes", "problem"),
    [
        (np.zeros((0, 8), int), r"shape \(0, 8\)"),
        (np.zeros(8, int), r"shape \(8,\)"),
        (np.zeros((5, 9), int), r"shape \(5, 9\)"),
        (np.full((5, 8), 1024), "to 1024 cannot be decoded: 0 to 1023"),
        (np.full((5, 8), -1), "from -1"),
    ],
)
def test_codes_that_cannot_be_decoded_say_why(codec, codes, problem):
    with pytest.raises(ItemError, match=problem):
        codec.decode([codes])


def test_a_clip_without_samples_cannot_be_encoded(codec):
    with pytest.raises(ItemError, match="without samples"):
        codec.encode([Clip(np.zeros(0, np.float32), 24000)])


def test_a_codec_that_cannot_stream_waits_for_the_last_piece():
    class Counting(OpenCodec):
        def encode(self, clips):
            raise NotImplementedError

        def decode(self, codes):
            return [Clip(np.zeros(len(each), np.float32), 24000) for each in codes]

    [clip] = Counting().decode_stream([np.zeros((3, 8), int), np.zeros((4, 8), int)])
    assert len(clip.samples) == 7
