"""Rendering: the same bytes in any order and process, the phonemes a model reads, and when they sound."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from valle_engine.errors import ItemError
from valle_engine.text import LANGUAGES, Phonemizer
from valle_plugins.synthetic import flite
from valle_plugins.synthetic.corpus import Corpus, Utterance
from valle_plugins.synthetic.rendering import render

PROGRAM = """
import hashlib
from valle_plugins.synthetic.corpus import Corpus
from valle_plugins.synthetic.rendering import render
for utterance in reversed(list(Corpus(group=1).utterances(4))):
    print(utterance.id, hashlib.sha256(render(utterance).clip.samples.tobytes()).hexdigest())
"""


def script(text, language="en", synthetic="formant:0:3:170:50:50"):
    return Utterance("a", text, language, "s0-000003", "train", synthetic)


@pytest.fixture(scope="module")
def rendered():
    return {utterance: render(utterance) for utterance in Corpus(group=1).utterances(12)}


def test_a_clip_is_24_khz_as_loud_as_all_and_begins_and_ends_with_its_sound(rendered):
    for each in rendered.values():
        samples = each.clip.samples
        assert (each.clip.rate, samples.dtype) == (24_000, np.float32)
        assert np.abs(samples).max() == pytest.approx(0.7)
        loud = np.flatnonzero(np.abs(samples) > 0.004)
        assert loud[0] < 0.03 * 24_000
        assert len(samples) - loud[-1] < 0.05 * 24_000


def test_another_order_gives_the_same_bytes(rendered):
    for utterance in reversed(rendered):
        np.testing.assert_array_equal(render(utterance).clip.samples, rendered[utterance].clip.samples)


def test_another_process_gives_the_same_bytes(rendered):
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    hashes = dict(line.split() for line in told.stdout.splitlines())
    ours = {each.id: hashlib.sha256(rendered[each].clip.samples.tobytes()).hexdigest() for each in rendered}
    assert len(hashes) == 4
    assert hashes.items() <= ours.items()


def test_two_voices_say_one_text_in_two_ways():
    one, other = (render(script("Hello there.", synthetic=f"formant:0:{number}:170:50:50")) for number in (1, 2))
    assert one.phonemes == other.phonemes
    shorter = min(len(one.clip.samples), len(other.clip.samples))
    assert np.abs(np.corrcoef(one.clip.samples[:shorter], other.clip.samples[:shorter])[0, 1]) < 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phonemes_are_those_a_model_is_given_and_the_phones_are_found_in_them(language):
    [utterance] = Corpus(languages=(language,), words=(9, 9)).utterances(1)
    said = render(utterance)
    assert said.phonemes == Phonemizer().phonemes(utterance.text, LANGUAGES[language])
    found = [phone for phone in said.phones if phone.place >= 0]
    assert len(found) > 0.9 * len(said.phones) > 10
    assert all(said.phonemes[phone.place :].startswith(phone.name) for phone in found)


def test_phones_follow_one_another_within_the_clip(rendered):
    for each in rendered.values():
        edges = [moment for phone in each.phones for moment in (phone.start, phone.end)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= each.clip.seconds
        places = [phone.place for phone in each.phones if phone.place >= 0]
        assert places == sorted(places)


def test_phones_sound_when_they_are_said_to():
    said = render(script("She sees the sea, he says so.", synthetic="formant:0:7:150:50:50"))
    pitch = {kind: [centroid(said, phone) for phone in said.phones if phone.name[-1] in kind] for kind in ("sʃ", "iːə")}
    assert min(pitch["sʃ"]) > 2 * max(pitch["iːə"])


def centroid(said, phone):
    """The mean frequency (Hz) of the middle half of a phone."""
    quarter = (phone.end - phone.start) / 4
    first, last = (round(24_000 * moment) for moment in (phone.start + quarter, phone.end - quarter))
    power = np.abs(np.fft.rfft(said.clip.samples[first:last])) ** 2
    return np.average(np.fft.rfftfreq(last - first, 1 / 24_000), weights=power)


def test_rendering_does_not_grow():
    spoken = list(Corpus(languages=("zh",), words=(3, 3), group=1).utterances(10))
    for utterance in spoken:
        render(utterance)
    before = resident()
    for utterance in spoken * 4:
        render(utterance)
    assert resident() - before < 3 * 2**20


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_words_without_a_sound_are_refused():
    with pytest.raises(ItemError, match="nothing to say"):
        render(script("..."))


def test_flite_speaks_where_it_is_installed(tmp_path, monkeypatch):
    (tmp_path / "flite").write_text(f"#!{sys.executable}\n{FAKE_FLITE}")
    (tmp_path / "flite").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = render(script("Hello there.", synthetic="flite:slt:110:180"))
    assert said.clip.rate == 24_000
    assert said.clip.seconds == pytest.approx(1, abs=0.01)
    assert said.phones == ()
    assert (tmp_path / "asked").read_text() == (
        "-voice slt --setf duration_stretch=1.1 --setf int_f0_target_mean=180 -t Hello there."
    )


FAKE_FLITE = """
import pathlib, sys, wave
place = sys.argv.index("-o")
with wave.open(sys.argv[place + 1], "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(b"\\x00\\x10\\x00\\xf0" * 8000)
words = sys.argv[1:place] + sys.argv[place + 2 :]
pathlib.Path(sys.argv[0]).with_name("asked").write_text(" ".join(words))
"""


def test_without_flite_its_voices_say_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ItemError, match="apt install flite"):
        render(script("Hello.", synthetic="flite:slt:100:180"))


def test_a_voice_that_flite_lacks_is_told_with_those_it_has():
    with pytest.raises(ItemError, match="no voice 'bob'; these can be used: awb, kal16, rms, slt"):
        render(script("Hello.", synthetic="flite:bob:100:180"))


def test_a_failing_flite_says_why(tmp_path, monkeypatch):
    (tmp_path / "flite").write_text("#!/bin/sh\necho no sound today >&2\nexit 3\n")
    (tmp_path / "flite").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ItemError, match="flite failed: no sound today"):
        render(script("Hello.", synthetic="flite:slt:100:180"))


def test_a_flite_that_hangs_is_ended(tmp_path, monkeypatch):
    (tmp_path / "flite").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "flite").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(flite, "LONGEST_SECONDS", 0.2)
    with pytest.raises(ItemError, match="did not end"):
        render(script("Hello.", synthetic="flite:slt:100:180"))
