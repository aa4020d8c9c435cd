"""Prompts are cut, repeated and filled to a length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.codecs.prompts import SILENCE, excerpt, frames_of, repeated, silence, trimmed


def codes(frames):
    return np.arange(frames * 8).reshape(frames, 8)


def test_trimming_keeps_the_head_or_the_tail():
    np.testing.assert_array_equal(trimmed(codes(10), 3), codes(10)[:3])
    np.testing.assert_array_equal(trimmed(codes(10), -3), codes(10)[7:])
    np.testing.assert_array_equal(trimmed(codes(10), 30), codes(10))
    np.testing.assert_array_equal(trimmed(codes(10), -30), codes(10))


@given(frames=st.integers(1, 40), wanted=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_an_excerpt_is_frames_in_a_row(frames, wanted, seed):
    part = excerpt(codes(frames), wanted, np.random.default_rng(seed))
    assert len(part) == min(frames, wanted)
    assert (np.diff(part[:, 0]) == 8).all()


def test_every_place_of_an_excerpt_comes_up():
    random = np.random.default_rng(0)
    assert {int(excerpt(codes(5), 3, random)[0, 0]) // 8 for _ in range(100)} == {0, 1, 2}


@given(frames=st.integers(1, 20), wanted=st.integers(0, 100))
def test_repetition_gives_just_the_frames_wanted(frames, wanted):
    long = repeated(codes(frames), wanted)
    assert long.shape == (wanted, 8)
    np.testing.assert_array_equal(long, codes(frames)[np.arange(wanted) % frames])


def test_nothing_cannot_be_repeated():
    with pytest.raises(ValueError, match="without frames"):
        repeated(codes(0), 5)


def test_silence_is_encodecs_own():
    assert frames_of(0.999, 75) == 74
    assert silence(1.5).shape == (112, 8)
    assert tuple(silence(0.02)[0]) == SILENCE
