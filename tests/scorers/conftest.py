"""Takes for scorers to judge."""

import numpy as np
import pytest
import soundfile

from valle_engine.parts import Heard, Take
from valle_engine.records import Outcome, OutputFile


@pytest.fixture
def heard():
    """A take of which something was heard."""

    def make(expected, said, language="en"):
        outcome = Outcome("item", "done", "")
        return Take({"text": expected}, outcome, None, Heard(said, said, expected, language))

    return make


@pytest.fixture
def sounding(tmp_path):
    """A take with sound, and a reference beside it."""

    def make(samples, reference=None, rate=16000, fields=None, name="item", seconds=0.5, values=None):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.asarray(samples, np.float32), rate, subtype="FLOAT")
        given = {"id": name, **(fields or {})}
        if reference is not None:
            beside = tmp_path / f"{name}-reference.wav"
            soundfile.write(beside, np.asarray(reference, np.float32), rate, subtype="FLOAT")
            given |= {"reference": str(beside), "voice": str(beside)}
        file = OutputFile(path.name, path.stat().st_size, "", len(samples), rate)
        return Take(given, Outcome(name, "done", "", file=file, seconds=seconds, values=values or {}), path)

    return make


@pytest.fixture
def tone():
    """A sine of so many seconds at 16 kHz."""

    def make(seconds, hertz=220.0, loudness=0.5):
        return (loudness * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 16000)) / 16000)).astype(np.float32)

    return make
