"""Speech and words to examples: what passes, what is refused and why, and noise that is what it says."""

import asyncio

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from valle_engine.coder import Coder
from valle_engine.errors import AudioError, ItemError
from valle_engine.keeping import Keeper
from valle_engine.kit import Kit
from valle_engine.records import Clip, Order
from valle_engine.testing import FakeCodec, OpenFakeCodec, check_task, run_task
from valle_engine.training.examples import CodecFacts
from valle_engine.training.wire import from_bytes
from valle_plugins.tasks.background import together
from valle_plugins.tasks.prepare import Prepare
from valle_plugins.tasks.soundness import longest_silence, spoken_sounds

RATE = 8000
SAID = {"text": "Hello there, my friend.", "speaker": "ann"}


def sound(seconds=1.5, level=0.3, seed=0):
    times = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 220 * times) + np.random.default_rng(seed).normal(0, 0.01, len(times))).astype(
        np.float32
    )


@pytest.fixture
def recording(tmp_path):
    def recording(samples, name="a.wav", rate=RATE):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, samples, rate, subtype="FLOAT")
        return path

    return recording


class Memory:
    """What is kept, in memory."""

    def __init__(self):
        self.data = []

    def append(self, name, pieces):
        self.data += pieces
        return [0] * len(pieces)


def prepared(task, item_id="a", **fields):
    """The example that an item becomes, and the item's values."""
    memory = Memory()

    async def run():
        keeper, coder = Keeper(memory), Coder(FakeCodec(), "cpu")
        try:
            item = task.Item.model_validate({"id": item_id, **SAID, **fields})
            return await task.run(item, Kit(Order(item_id, {}, ""), 7, coder=coder, keeper=keeper))
        finally:
            keeper.close()
            coder.close()

    values = asyncio.run(run())
    [data] = memory.data
    return from_bytes(data), values


def test_an_utterance_becomes_codes_phonemes_and_speaker(recording):
    samples = sound()
    (example, codec), values = prepared(Prepare(), audio=recording(samples))
    [codes] = OpenFakeCodec().encode([Clip(samples, RATE)])
    assert np.array_equal(example.codes, codes)
    assert example.codes.dtype == np.uint16
    assert (example.id, example.speaker, example.language, example.text) == ("a", "ann", "en", SAID["text"])
    assert example.phonemes == "həlˈoʊ ðˈɛɹ, maɪ fɹˈɛnd."
    assert (example.seconds, example.noise, example.noisy) == (1.5, None, None)
    assert codec == CodecFacts.of(FakeCodec)
    assert {**values, "kept": None} == {"kept": None, "seconds": 1.5, "frames": len(codes), "noisy": False}


def test_phonemes_that_are_given_are_taken(recording):
    (example, _), _ = prepared(Prepare(), audio=recording(sound()), phonemes="aɪ pɪˈeɪ nˈoʊn")
    assert example.phonemes == "aɪ pɪˈeɪ nˈoʊn"


def test_a_synthetic_row_needs_no_recording():
    recipe = {"text": "The old house.", "speaker": "s0-000012", "synthetic": "formant:0:12:175:50:50"}
    (example, _), values = prepared(Prepare(), **recipe)
    assert 0.4 < values["seconds"] < 3
    assert "hˈaʊs" in example.phonemes


@pytest.mark.parametrize("fields", [{}, {"audio": "a.wav", "synthetic": "formant:0:12:175:50:50"}])
def test_an_item_says_in_one_way_how_it_sounds(fields):
    with pytest.raises(ValidationError, match="either `audio` or `synthetic`"):
        Prepare.Item.model_validate({"id": "a", **SAID, **fields})


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (sound(0.3), "length: 0.30 s, not 0.5 to 20"),
        (sound(21), "length: 21.00 s, not 0.5 to 20"),
        (np.clip(sound(level=3), -1, 1), r"clipping: \d+\.\d\d% of the samples are at full scale, at most 0.10% may"),
        (np.zeros(2 * RATE, np.float32), "silence: 2.0 s of 2.0 s without sound"),
        (np.concatenate([sound(0.5), np.zeros(3 * RATE), sound(0.5)]), "silence: 3.0 s of 4.0 s without sound"),
        (sound(8), "speech rate: 2.0 phonemes a second, not 3 to 30"),
        (sound(0.5), "speech rate: 32.0 phonemes a second"),
    ],
    ids=["short", "long", "clipped", "silent", "pause", "slow", "fast"],
)
def test_what_is_not_fit_to_learn_from_is_refused_with_the_reason(recording, samples, reason):
    with pytest.raises(ItemError, match=reason):
        prepared(Prepare(), audio=recording(samples))


def test_bounds_may_be_others(recording):
    wide = Prepare(max_seconds=30, min_rate=0)
    (example, _), _ = prepared(wide, audio=recording(sound(21)))
    assert example.seconds == 21


def test_a_recording_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"a\.wav"):
        prepared(Prepare(), audio=tmp_path / "a.wav")


def test_silence_is_the_longest_stretch_beside_the_loudest():
    quiet = sound(0.5, level=1e-4) * 0.01
    assert longest_silence(Clip(np.concatenate([quiet, sound(0.5), quiet[:800]]), RATE)) == pytest.approx(0.5, abs=0.02)
    assert longest_silence(Clip(sound(1.0), RATE)) == 0


def test_only_letters_are_sounds():
    assert spoken_sounds("həlˈoʊː, 1ˇ") == 5


def noisy_share(task, recording, count=40):
    audio = recording(sound())
    return sum(prepared(task, f"item{number}", audio=audio)[1]["noisy"] for number in range(count)) / count


def test_a_share_of_the_examples_lies_in_noise(recording):
    assert noisy_share(Prepare(noise_share=0.5), recording) == pytest.approx(0.5, abs=0.2)


def test_noise_of_a_folder_is_as_deep_as_asked(recording, tmp_path):
    noise = recording(np.random.default_rng(1).normal(0, 0.2, 4000).astype(np.float32), "noise/hum.wav", 16000)
    task = Prepare(noise_share=1, noise=noise.parent, noise_snr=(6, 6))
    speech = Clip(sound(level=0.2), RATE)
    made = task.noise_for(speech, np.random.default_rng(0))
    ratio = np.square(speech.samples).mean() / np.square(made.samples).mean()
    assert (len(made.samples), made.rate) == (len(speech.samples), RATE)
    assert 10 * np.log10(ratio) == pytest.approx(6, abs=0.05)


def test_noise_is_the_same_for_the_same_item_and_another_for_another(recording):
    audio, task = recording(sound()), Prepare(noise_share=1)
    again, same, other = (prepared(task, name, audio=audio)[0][0] for name in ("a", "a", "b"))
    assert np.array_equal(again.noisy, same.noisy)
    assert np.array_equal(again.noise, same.noise)
    assert not np.array_equal(again.noise, other.noise)
    assert again.codes.shape == again.noise.shape == again.noisy.shape


def test_speech_and_noise_make_the_sum_and_nothing_clips():
    speech, noise = Clip(sound(level=0.8), RATE), Clip(sound(level=0.9, seed=1), RATE)
    parts = {name: clip.samples for name, clip in together(speech, noise).items()}
    assert np.abs(parts["noisy"]).max() == pytest.approx(1)
    assert np.allclose(parts["codes"] + parts["noise"], parts["noisy"], atol=1e-6)
    quiet = together(Clip(speech.samples * 0.1, RATE), Clip(noise.samples * 0.1, RATE))
    assert np.array_equal(quiet["codes"].samples, speech.samples * np.float32(0.1))


def test_a_folder_without_noise_is_told(recording, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ItemError, match=r"noise: .*empty holds no recordings"):
        prepared(Prepare(noise_share=1, noise=tmp_path / "empty"), audio=recording(sound()))


def test_ratios_the_wrong_way_round_are_refused():
    with pytest.raises(ValidationError, match="the lowest and then the highest"):
        Prepare(noise_snr=(20, 0))


def test_the_task_keeps_its_contract(recording):
    check_task(Prepare(noise_share=1), {**SAID, "audio": str(recording(sound()))}, codec=FakeCodec())
    assert Prepare.needs_codec
    with pytest.raises(ValidationError, match="frozen"):
        Prepare().max_seconds = 3


def test_without_a_codec_the_way_out_is_told(recording):
    with pytest.raises(ItemError, match="there is no codec here: a task that uses one says so with `needs_codec"):
        run_task(Prepare(), {**SAID, "audio": str(recording(sound()))})


def test_a_task_with_a_codec_alone_has_prompts_too(recording):
    coder = Coder(FakeCodec(), "cpu")
    kit = Kit(Order("a", {}, ""), 7, coder=coder)
    codes = asyncio.run(kit.prompt(recording(sound(0.5)), 1.0))
    coder.close()
    assert (kit.frame_rate, len(codes)) == (FakeCodec.frame_rate, FakeCodec.frame_rate)
