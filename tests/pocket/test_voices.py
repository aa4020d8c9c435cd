"""The reference voices: a line each, the same bytes wherever they are made."""

import numpy as np
import soundfile

from valle_engine.text import LANGUAGES
from valle_plugins.pocket import files, voices
from valle_plugins.pocket.model import Pocket
from valle_plugins.pocket.voices import REFERENCES, write_voices
from valle_plugins.synthetic.recipes import Voice


def test_there_are_some_for_every_language_and_most_for_english():
    spoken = [reference.language for reference in REFERENCES]
    assert set(spoken) == set(LANGUAGES)
    assert spoken.count("en") >= 5
    assert len({reference.name for reference in REFERENCES}) == len(REFERENCES)
    assert Pocket.voice in {reference.name for reference in REFERENCES}
    assert all("." not in reference.name for reference in REFERENCES)


def test_they_are_voices_that_pocket_has_learnt_from():
    assert {Voice(voices.SEED, reference.number).split for reference in REFERENCES} == {"train"}


def test_recordings_and_what_they_say_are_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(voices, "REFERENCES", REFERENCES[:2])
    for folder in ("one", "two"):
        write_voices(tmp_path / folder)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "alba.flac",
        "alba.txt",
        "bruno.flac",
        "bruno.txt",
    ]
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    samples, rate = soundfile.read(tmp_path / "one" / "alba.flac")
    assert rate == 24_000
    assert 3 < len(samples) / rate < 8
    assert np.abs(samples).max() > 0.5


def test_the_recordings_that_come_with_it_are_theirs(monkeypatch):
    monkeypatch.delenv(files.FOLDER, raising=False)
    shipped = Pocket().voices()
    assert set(shipped) == {reference.name for reference in REFERENCES}
    for reference in REFERENCES:
        said = shipped[reference.name].with_suffix(".txt").read_text(encoding="utf-8")
        assert said == f"{reference.text}\n"
        info = soundfile.info(shipped[reference.name])
        assert (info.samplerate, info.channels) == (24_000, 1)
        assert 3 < info.duration < 8
