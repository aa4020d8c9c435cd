"""Files from strangers: good ones are read, bad ones are AudioErrors, none is a crash."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valle_engine.audio import Limits, probe, read_clip
from valle_engine.errors import AudioError


def tone(seconds=0.5, rate=24000, channels=1):
    time = np.arange(int(seconds * rate)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * 220 * (c + 1) * time) for c in range(channels)], axis=1)


def wav(rate=24000, channels=1, data=b"\0\0" * 100, data_size=None, bits=16):
    """The bytes of a WAV file whose header says whatever it is told to."""
    size = len(data) if data_size is None else data_size
    block = channels * bits // 8
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + layout
        + (b"data" + struct.pack("<I", size) + data)
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "voice.wav"


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "aiff", "mp3"])
def test_the_usual_formats_are_read(tmp_path, extension):
    path = tmp_path / f"voice.{extension}"
    soundfile.write(path, tone(), 24000)
    clip = read_clip(path)
    assert (clip.samples.dtype, clip.rate, len(clip.samples)) == (np.float32, 24000, 12000)
    assert np.abs(clip.samples - tone()[:, 0]).max() < 0.1


def test_channels_are_averaged(file):
    sound = tone(channels=2)
    soundfile.write(file, sound, 24000, subtype="FLOAT")
    np.testing.assert_allclose(read_clip(file).samples, sound.mean(axis=1), atol=1e-6)


def test_a_file_longer_than_a_block_is_read_whole(file):
    sound = tone(seconds=6.0)
    soundfile.write(file, sound, 24000, subtype="FLOAT")
    np.testing.assert_array_equal(read_clip(file).samples, sound[:, 0].astype(np.float32))


def test_float_files_beyond_full_scale_are_limited(file):
    soundfile.write(file, np.array([0.5, 3.0, -7.0]), 24000, subtype="FLOAT")
    np.testing.assert_array_equal(read_clip(file).samples, np.float32([0.5, 1.0, -1.0]))


def test_a_probe_reads_the_header_alone(file):
    soundfile.write(file, tone(channels=2), 24000)
    info = probe(file)
    assert (info.rate, info.channels, info.frames, info.format, info.seconds) == (24000, 2, 12000, "WAV", 0.5)


def test_a_wav_from_a_pipe_has_no_length_in_its_header(file):
    file.write_bytes(wav(data_size=0xFFFFFFFF))
    assert len(read_clip(file).samples) == 100


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (wav(rate=0), "rate|cannot be read"),
        (wav(rate=1), "rate of 1 Hz"),
        (wav(rate=3_000_000), "rate of 3000000 Hz"),
        (wav(channels=1000, data=bytes(20000)), "1000 channels"),
        (wav(data_size=2_000_000_000), "claims 2000000000 bytes of sound, it holds 200"),
        (wav(data=b""), "holds no sound"),
        (wav()[:30], "cannot be read as audio"),
        (b"", "cannot be read as audio"),
        (b"#!/bin/sh\nexit 1\n" * 50, "cannot be read as audio"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it_and_what_is_wrong(file, content, problem):
    file.write_bytes(content)
    for read in (probe, read_clip):
        with pytest.raises(AudioError, match=problem) as caught:
            read(file)
        assert str(file) in str(caught.value)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "aiff", "au", "w64", "mp3"])
def test_a_file_that_was_cut_short_is_not_read_as_if_it_were_whole(tmp_path, extension):
    path = tmp_path / f"voice.{extension}"
    soundfile.write(path, tone(seconds=3.0), 24000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"voice\."):
        read_clip(path)


def test_samples_that_are_no_numbers_are_refused(file):
    soundfile.write(file, np.array([0.5, np.nan]), 24000, subtype="FLOAT")
    with pytest.raises(AudioError, match="no numbers"):
        read_clip(file)


def test_limits_hold_before_anything_is_read(file):
    soundfile.write(file, tone(seconds=2.0), 24000)
    with pytest.raises(AudioError, match="claims 2 s of sound, up to 1 are read"):
        read_clip(file, Limits(seconds=1.0))
    with pytest.raises(AudioError, match="need more than 1000 bytes"):
        probe(file, Limits(bytes=1000))


def test_a_flac_that_claims_days_of_sound_is_refused_by_its_header(tmp_path):
    path = tmp_path / "voice.flac"
    soundfile.write(path, tone(), 24000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the top bits of the number of samples
    content[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="claims 2863312 s of sound"):
        probe(path)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(AudioError, match="no regular file"):
            read_clip(path)
    with pytest.raises(AudioError, match="cannot be opened"):
        read_clip(tmp_path / "missing.wav")


def test_a_name_promises_nothing(tmp_path):
    path = tmp_path / "voice.raw"
    path.write_bytes(wav())
    assert probe(path).format == "WAV"


def _originals():
    for extension in ("wav", "flac", "ogg", "aiff", "mp3"):
        data = io.BytesIO()
        soundfile.write(data, tone(seconds=0.05), 24000, format=extension)
        yield data.getvalue()


ORIGINALS = list(_originals())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    original=st.sampled_from(ORIGINALS),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    keep=st.integers(0, 4000),
)
def test_damaged_bytes_give_sound_or_an_audio_error(file, original, edits, keep):
    content = bytearray(original[:keep])
    for place, value in edits:
        if place < len(content):
            content[place] = value
    file.write_bytes(content)
    try:
        clip = read_clip(file, Limits(seconds=60, bytes=1 << 24))
    except AudioError:
        return
    assert len(clip.samples)
    assert np.abs(clip.samples).max() <= 1
