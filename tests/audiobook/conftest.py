"""A run that has spoken a short book, without a task: tones in files."""

from dataclasses import replace

import numpy as np
import pytest

from valle_engine.audio import encode_clip
from valle_engine.parts import FinishedRun
from valle_engine.records import Clip, Failure, Outcome, OutputFile

RATE = 22050
RECIPE = {"task": {"name": "espeak"}, "model": None, "seed": 7}


def tone(seconds, hertz=220.0, loud=0.1, rate=RATE):
    """A tone that swells, so that its peak is far above its mean as in speech."""
    places = np.arange(round(seconds * rate)) / rate
    swell = 0.2 + 0.8 * np.abs(np.sin(2 * np.pi * 3 * places)) ** 4
    return Clip((loud * swell * np.sin(2 * np.pi * hertz * places)).astype(np.float32), rate)


class FakeRun(FinishedRun):
    """Rows and outcomes as they are put in."""

    name = "alice"

    def __init__(self, folder):
        self.folder = folder
        self.rows = []
        (folder / "audio").mkdir()

    def add(self, item, seconds=1.0, state="done", hertz=220.0, loud=0.1, **fields):
        """A line that was spoken; without seconds it has no sound."""
        outcome = Outcome(item, state, f"fp-{item}")
        if seconds:
            clip = tone(seconds, hertz, loud)
            data = encode_clip(clip, "flac")
            (self.folder / "audio" / f"{item}.flac").write_bytes(data)
            file = OutputFile(f"audio/{item}.flac", len(data), f"{item}:{seconds}:{hertz}", len(clip.samples), RATE)
            outcome = replace(outcome, file=file)
        if state != "done":
            outcome = replace(outcome, failure=Failure("Rejected", "wer 0.4 is above 0.1"))
        row = {"id": item, "text": f"Spoken {item}.", "written": f"Written {item}.", "book": "alice"}
        self.rows.append(({**row, **fields}, outcome))

    def outcomes(self):
        return iter(self.rows)

    def recipe(self):
        return RECIPE


@pytest.fixture
def run(tmp_path):
    return FakeRun(tmp_path)


@pytest.fixture
def spoken(run):
    """Two chapters."""
    return two_chapters(run)


def two_chapters(run):
    """A heading and three lines, a heading and two."""
    one = {"chapter": 1, "chapter_title": "Down the Rabbit-Hole", "speaker": "narrator"}
    two = {"chapter": 2, "chapter_title": "The Pool of Tears", "speaker": "narrator"}
    run.add("a1", 0.4, kind="heading", paragraph=1, **one)
    run.add("a2", 0.8, paragraph=2, **one)
    run.add("a3", 0.5, paragraph=2, loud=0.05, **one)
    run.add("a4", 0.5, paragraph=3, scene=True, **one)
    run.add("b1", 0.4, kind="heading", paragraph=1, **two)
    run.add("b2", 0.8, paragraph=2, loud=0.2, **two)
    run.add("b3", 0.6, paragraph=2, **two)
    return run
