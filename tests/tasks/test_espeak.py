"""The espeak task: the same text gives the same bytes, text is data, and what cannot be spoken says why."""

import asyncio
import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from valle_engine.errors import ItemError
from valle_engine.kit import Kit
from valle_engine.records import Order
from valle_plugins.tasks import espeak_library
from valle_plugins.tasks.espeak import Espeak

LINES = ["Alice was silent.", "“Why not?” said the March Hare.", "It shook its head, and sighed: hush!"]


def speak(text, task=None, **fields):
    task = task or Espeak()
    item = task.Item(id="one", text=text, **fields)
    return asyncio.run(task.run(item, Kit(Order("one", {}, ""), seed=0)))


def test_a_line_becomes_speech_of_the_expected_length():
    text = "The March Hare took the watch and looked at it gloomily: then he dipped it into his cup of tea."
    clip = speak(text)
    assert (clip.samples.dtype, clip.samples.ndim, clip.rate) == (np.float32, 1, 22050)
    assert 0.1 < np.abs(clip.samples).max() <= 1
    assert clip.seconds == pytest.approx(Espeak().expected_seconds(Espeak.Item(id="a", text=text)), rel=0.25)


@pytest.mark.parametrize("voice", ["", "+f3", "+klatt2", "fr"])
def test_the_same_text_gives_the_same_samples_whatever_was_spoken_before(voice):
    first = speak(LINES[0], voice=voice).samples
    for other in LINES[1:]:
        speak(other, voice="de+m2")
        np.testing.assert_array_equal(speak(LINES[0], voice=voice).samples, first)


def test_another_process_gives_the_same_samples():
    program = (
        "import hashlib; from valle_plugins.tasks.espeak_library import Manner, speak;"
        f"data, _ = speak({LINES[0]!r}, 'en', Manner(175, 50, 50, 100, 0), 10**6, int);"
        "print(hashlib.sha256(data).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1


def test_threads_do_not_mix_their_samples():
    alone = [speak(line).samples for line in LINES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda line: speak(line).samples, LINES * 6))
    for place, samples in enumerate(together):
        np.testing.assert_array_equal(samples, alone[place % len(LINES)])


def test_the_loop_goes_on_while_a_line_is_spoken():
    async def run():
        task, kit = Espeak(), Kit(Order("one", {}, ""), seed=0)
        speaking = asyncio.create_task(task.run(task.Item(id="one", text=" ".join(LINES) * 50), kit))
        turns = 0
        while not speaking.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns, kit.steps

    turns, steps = asyncio.run(run())
    assert turns > 10
    assert steps > 10


def test_text_is_data_and_never_markup_or_a_command():
    options = (espeak_library.Manner(175, 50, 50, 100, 0), 10**7, int)
    plain, _ = espeak_library.speak("hello there", "en", *options)
    command, _ = espeak_library.speak("\x0150Phello there", "en", *options)
    spoken, _ = espeak_library.speak("50Phello there", "en", *options)
    assert command == spoken
    for text in ("<audio src='/etc/passwd'/>hello there", "<speak>hello there</speak>", "[[h@'loU]] there"):
        data, _ = espeak_library.speak(text, "en", *options)
        assert len(data) > 1.2 * len(plain)


@pytest.mark.parametrize(
    "text", ["nul\0in it", "lone \ud800 surrogate", "a" * 5000, "\u202eright to left", "مرحبا 你好 😀"]
)
def test_strange_text_is_spoken_all_the_same(text):
    assert speak(text).seconds > 0.2


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=80), language=st.sampled_from(["en", "fr", "ja", "cmn", "ru", "ar", "hi"]))
def test_any_text_is_speech_or_an_item_error(text, language):
    try:
        clip = speak(text, language=language)
    except ItemError:
        return
    assert np.abs(clip.samples).max() > 0


@pytest.mark.parametrize("text", ["", "   ", "...", "—", "\n\t\0"])
def test_nothing_to_say_is_an_error(text):
    with pytest.raises(ItemError, match="nothing to say in"):
        speak(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"language": "en-uk"}, "no voice 'en-uk'; did you mean 'en-us'"),
        ({"voice": "+f33"}, "no variant 'f33'; did you mean 'f3'"),
        ({"voice": "germn"}, "did you mean 'german'"),
        ({"language": "qqq"}, "some of those it has: af, am, an"),
        ({"voice": "../../../tmp/evil"}, "no voice"),
        ({"voice": "en+../../evil"}, "no variant"),
        ({"voice": "/etc/passwd"}, "no voice"),
    ],
)
def test_an_unknown_voice_names_those_that_are_near(fields, message):
    with pytest.raises(ItemError, match=message):
        speak("Hello.", **fields)


def test_a_language_without_a_country_means_its_first_voice():
    assert espeak_library.catalogue().find("en") == "gmw/en"
    assert espeak_library.catalogue().find("EN-us+F3") == "gmw/en-US+f3"


def test_options_change_the_speech():
    plain = speak(LINES[2])
    assert speak(LINES[2], Espeak(rate=350)).seconds < 0.7 * plain.seconds
    assert speak(LINES[2], Espeak(word_gap=0.3)).seconds > plain.seconds + 1
    assert np.abs(speak(LINES[2], Espeak(volume=20)).samples).max() < 0.5 * np.abs(plain.samples).max()
    assert len(speak(LINES[2], Espeak(pitch=90)).samples) > 0


@pytest.mark.parametrize("options", [{"rate": 10}, {"pitch": 100}, {"word_gap": -1}, {"max_seconds": 0}, {"speed": 1}])
def test_options_are_checked(options):
    with pytest.raises(ValidationError):
        Espeak(**options)


def test_speech_that_is_too_long_fails_and_is_never_cut():
    with pytest.raises(ItemError, match=r"longer than 1\.5 s: cut the text or raise max_seconds"):
        speak(LINES[2] * 3, Espeak(max_seconds=1.5))


def test_a_library_that_other_code_holds_is_not_used():
    held = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        with pytest.raises(ItemError, match="in use by other code"):
            speak("Hello.")
    finally:
        espeak_library._unload(held)
    assert speak("Hello.").seconds > 0.2


def test_data_in_a_folder_with_a_long_name_is_found(tmp_path, monkeypatch):
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    (folder / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
    expected = speak("Hello.").samples
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(folder / "espeak-ng-data"))
    np.testing.assert_array_equal(speak("Hello.").samples, expected)


def test_missing_data_is_an_error_and_not_an_exit(tmp_path, monkeypatch):
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(ItemError, match="finds no data in"):
        speak("Hello.")


def test_checking_a_job_loads_neither_numpy_nor_the_library():
    program = "import sys, valle_plugins.tasks; print({'numpy', 'ctypes', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_first_job_has_a_whole_chapter():
    folder = Path(__file__).parents[2] / "jobs"
    lines = (folder / "mad-tea-party.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 150
    assert all(line.strip() and len(line) < 500 for line in lines)
