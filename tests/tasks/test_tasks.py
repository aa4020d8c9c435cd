"""What the options and fields of tasks do."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from valle_engine.decoding import Decoding, Spoken

SHORT = {"max_seconds": 0.2, "prompt_seconds": 0.2}
TWO = "The house was old. It was empty."


@pytest.fixture
def one(work, place):
    """The outcome and the bytes of one item."""

    def one(task, options=(), model=None, sampling=(), **item):
        paths = {name: str(place / item[name]) for name in ("audio", "voice") if name in item}
        ended = work(task, [{"id": "one", **item, **paths}], 4, options, sampling, model)
        return ended["one"]

    return one


def test_a_long_text_is_spoken_sentence_by_sentence_and_what_is_cut_is_counted(one):
    outcome, data = one("tts", SHORT, text=TWO)
    assert outcome.values == {"sentences": 2, "cut": 2}
    assert outcome.file.samples == 2 * 15 * 320
    assert data


def test_a_text_may_be_one_utterance(one):
    outcome, _ = one("tts", {**SHORT, "split": False}, text=TWO)
    assert outcome.values["sentences"] == 1


def test_a_sentence_is_spoken_in_the_light_of_the_one_before(one):
    alone, with_one = (one("tts", {**SHORT, "context": context}, text=TWO)[1] for context in (0, 1))
    assert alone != with_one


@pytest.mark.parametrize(
    "changed",
    [{"voice": "1.wav"}, {"text": "Another line."}, {"language": "de"}],
    ids=str,
)
def test_every_field_counts(one, changed):
    given = {"text": "The same line.", "voice": "0.wav"}
    assert one("tts", SHORT, **given)[1] != one("tts", SHORT, **{**given, **changed})[1]


def test_samplers_count(one):
    plain, cold = (
        one("tts", SHORT, text="Hello", sampling=chain)[1] for chain in ((), (("temperature", {"temperature": 0.3}),))
    )
    assert plain != cold


def test_a_converted_or_cleaned_recording_is_as_long_as_it_was(one):
    frames = -(-7000 // 320)
    cleaned, _ = one("denoise", {"steps": 3}, audio="1.wav")
    converted, _ = one("voice-conversion", {"steps": 3}, audio="1.wav", voice="2.wav", text="Hello")
    assert cleaned.file.samples == converted.file.samples == frames * 320


def test_a_continuation_may_hold_what_it_goes_on_from(one):
    bare, _ = one("continue", {"max_seconds": 0.2}, audio="0.wav", text="Hello there")
    whole, _ = one("continue", {"max_seconds": 0.2, "keep": True}, audio="0.wav", text="Hello there")
    assert whole.file.samples - bare.file.samples == -(-4000 // 320) * 320


@pytest.mark.parametrize(
    ("task", "item", "words"),
    [
        ("edit-speech", {"audio": "0.wav", "text": "a", "start": 0.1, "end": 9}, "is not in"),
        ("edit-speech", {"audio": "0.wav", "text": "a", "start": 0.1, "end": 0.05}, "is not in"),
        ("tts", {"text": " "}, "the text is empty"),
        ("tts", {"text": "Hello", "language": "tlh"}, "no language 'tlh'"),
        ("stt", {"audio": "tiny.sft"}, "tiny.sft"),
        ("phonemize", {"text": ""}, "text"),
    ],
)
def test_what_cannot_be_done_fails_its_item_with_its_reason(one, task, item, words):
    options = {"tts": SHORT, "edit-speech": {"max_seconds": 0.2}}.get(task, {})
    outcome, _ = one(task, options, **item)
    assert outcome.state == "failed"
    assert words in outcome.failure.message


def test_an_adapter_changes_what_is_said(one, spec, tmp_path):
    factors = {
        f"model.layers.{layer}.self_attn.q_proj.lora_{side}": torch.randn((2, 64) if side == "A" else (64, 2))
        for layer in range(2)
        for side in "AB"
    }
    path = tmp_path / "voice.sft"
    save_file(factors, path, metadata={"config": json.dumps({"rank": 2, "alpha": 2})})
    plain, adapted, elsewhere = (
        one("tts", SHORT, spec(lora=lora), text="Hello")[1]
        for lora in ([], [{"path": str(path)}], [{"path": str(path), "levels": [9]}])
    )
    assert plain != adapted
    assert plain == elsewhere


def test_a_predicted_length_keeps_its_bounds():
    how = Decoding(decoding="nar-len", max_seconds=4, stretch=2)
    spoken = Spoken(said=SimpleNamespace(), how=how)
    assert [spoken.lasting(frames, 75).frames for frames in (0, 100, 10**10)] == [150, 200, 300]
    assert spoken.needs_length
    assert not spoken.lasting(3, 75).needs_length


def test_voices_are_encoded_once(spec, place):
    import asyncio  # noqa: PLC0415 - for this test alone

    from valle_engine.opened import OpenModel  # noqa: PLC0415 - it loads torch
    from valle_engine.plugins import load_plugins  # noqa: PLC0415 - beside it

    async def twice():
        model = OpenModel(spec(), None, 4, load_plugins())
        first, second = await model.encode(place / "0.wav"), await model.encode(place / "0.wav")
        await model.close()
        return first, second

    first, second = asyncio.run(twice())
    assert first is second
    assert first.shape == (13, 8)
    assert first.dtype == np.int64


def test_words_are_pronounced_as_an_item_says(one):
    plain, given = (
        one("tts", SHORT, text="The house", pronunciations=words)[1] for words in ({}, {"house": "hˈaʊzɪz"})
    )
    assert plain != given


WARM, COLD = {"temperature": 1.5}, {"temperature": 0.3}


@pytest.fixture
def line(work):
    """What becomes of a line that says something of its own about the job's samplers."""

    def line(temperature, sampling):
        item = {"id": "one", "text": "Hello", "sampling": sampling}
        return work("tts", [item], 4, SHORT, [("temperature", temperature)] if temperature else [])["one"]

    return line


def test_an_item_may_change_options_of_the_job_s_samplers(line):
    assert line(WARM, {"temperature": 0.3})[1] == line(COLD, {})[1] != line(WARM, {})[1]


@pytest.mark.parametrize(
    ("temperature", "sampling", "words"),
    [
        (WARM, {"top-p": 0.9}, "names top-p; the job's samplers are: temperature"),
        (None, {"top-p": 0.9}, "the job's samplers are: none"),
        (WARM, {"temperature": {"temperatur": 1}}, "temperatur"),
    ],
)
def test_what_the_samplers_do_not_have_fails_the_item(line, temperature, sampling, words):
    outcome, _ = line(temperature, sampling)
    assert outcome.failure.kind == "ItemError"
    assert words in outcome.failure.message
