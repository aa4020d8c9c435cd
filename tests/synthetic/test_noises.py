"""Noises and rooms: each belongs to its seed and number, and does to a clip what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.records import Clip
from valle_plugins.synthetic.noises import KINDS, RATE, mix, noise
from valle_plugins.synthetic.rooms import reverberate, room


def tone(seconds=1.0, peak=0.5):
    return Clip((peak * np.sin(np.arange(round(seconds * RATE)) * 0.3)).astype(np.float32), RATE)


def power(samples):
    return float(np.square(samples, dtype=np.float64).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_a_noise_belongs_to_its_seed_and_number(kind):
    made = noise(5, 2, 12_000, kind)
    assert (len(made.samples), made.samples.dtype, made.rate) == (12_000, np.float32, RATE)
    assert np.abs(made.samples).max() == pytest.approx(0.7)
    np.testing.assert_array_equal(noise(5, 2, 12_000, kind).samples, made.samples)
    for other in (noise(5, 3, 12_000, kind), noise(6, 2, 12_000, kind)):
        assert not np.array_equal(other.samples, made.samples)


def test_every_kind_comes_up():
    made = {noise(0, number, 2400).samples.tobytes() for number in range(30)}
    of_kinds = {
        kind: {noise(0, n, 2400, kind).samples.tobytes() for n in range(30)} for kind in KINDS if kind != "babble"
    }
    assert all(made & of_kind for of_kind in of_kinds.values())


@given(st.floats(-5, 30), st.integers(100, 30_000))
def test_speech_and_noise_are_mixed_at_the_ratio_asked(snr_db, length):
    clip, behind = tone(0.5, 0.1), noise(1, 1, length, "coloured")
    added = mix(clip, behind, snr_db).samples - clip.samples
    assert 10 * np.log10(power(clip.samples) / power(added)) == pytest.approx(snr_db, abs=0.01)


def test_a_mix_never_passes_full_scale():
    assert np.abs(mix(tone(), noise(0, 0, 5000, "clicks"), -40).samples).max() <= 1


def test_silence_takes_no_noise():
    silence = Clip(np.zeros(1000, np.float32), RATE)
    assert not mix(silence, noise(0, 0, 1000, "hum"), 10).samples.any()


@pytest.mark.parametrize("number", range(8))
def test_a_room_begins_with_the_direct_sound_and_fades(number):
    response = room(3, number).samples
    np.testing.assert_array_equal(room(3, number).samples, response)
    assert response[0] == 1
    parts = [power(part) for part in np.array_split(response[1:], 4)]
    assert parts == sorted(parts, reverse=True)
    assert parts[-1] < parts[0] / 1000


def test_rooms_differ_in_length_and_strength():
    rooms = [room(0, number) for number in range(30)]
    assert max(each.seconds for each in rooms) > 4 * min(each.seconds for each in rooms)
    energies = [power(each.samples[1:]) * len(each.samples) for each in rooms]
    assert max(energies) > 10 * min(energies)


def test_a_room_lengthens_what_ends_and_keeps_length_and_peak():
    clip = Clip(np.pad(tone(0.2).samples, (0, RATE)), RATE)
    wet = reverberate(clip, room(0, 1))
    assert len(wet.samples) == len(clip.samples)
    assert np.abs(wet.samples).max() == pytest.approx(0.5, rel=1e-3)
    assert power(wet.samples[round(0.25 * RATE) :]) > 0
