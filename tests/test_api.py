"""A model held open from Python gives what a job gives."""

import subprocess
import sys

import numpy as np
import pytest

import valle_engine
from valle_engine.audio import encode_clip
from valle_engine.errors import ItemError, JobError

SHORT = {"max_seconds": 0.3, "prompt_seconds": 0.2}
TEXT = "The old house. It was empty for years. Then they came home."


@pytest.fixture(scope="module")
def model(spec):
    with valle_engine.load(spec().model_dump(), sampling={"top-p": 0.9}) as model:
        yield model


def test_the_same_seed_is_the_same_take_and_another_is_another(model, place):
    first, again, other = (model.say("Hello", place / "0.wav", seed=seed, **SHORT) for seed in (1, 1, 2))
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


def test_a_stream_joined_is_what_is_said(model, place):
    pieces = list(model.stream(TEXT, place / "1.wav", **SHORT))
    whole = model.say(TEXT, place / "1.wav", **SHORT)
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), whole.samples)


def test_a_stream_may_be_left(model):
    stream = model.stream(TEXT, **SHORT)
    assert len(next(stream).samples)
    stream.close()
    assert model.say("Still here.", **SHORT).rate == 24000


def test_what_goes_wrong_in_a_stream_is_raised_there(model):
    with pytest.raises(ItemError, match="no language"):
        list(model.stream("Hello", language="xx"))


def test_any_task_can_be_done(model, place):
    result = model.run("stt", {"audio": place / "2.wav"}, max_ids=5)
    assert result.values["phonemes"]


@pytest.mark.parametrize(
    ("task", "fields", "options", "words"),
    [
        ("tts", {"text": "a"}, {"max_second": 1}, "did you mean 'max_seconds'"),
        ("tts", {}, {}, "text"),
        ("ttts", {}, {}, "did you mean 'tts'"),
        ("duration", {"text": "a"}, {}, "draws nothing"),
        ("stt", {"audio": "0.wav"}, {"spell": True}, "'text' head"),
    ],
)
def test_mistakes_are_told_as_in_a_job(model, task, fields, options, words):
    with pytest.raises(JobError, match=words):
        model.run(task, fields, **options)


@pytest.mark.parametrize(
    ("given", "words"),
    [("./none.sft", "no such file"), ({"name": "ecker/valle"}, "no model"), ({"nme": "x"}, "'name'")],
)
def test_a_model_that_is_none_is_refused(given, words):
    with pytest.raises(JobError, match=words):
        valle_engine.load(given)


def test_valle_say_gives_the_same_take(model, place, spec, tmp_path):
    out = tmp_path / "said.wav"
    codec = spec().model_dump_json(include={"codec"}).removeprefix('{"codec":').removesuffix("}")
    command = [sys.executable, "-m", "valle_engine", "say", TEXT, "--voice", place / "3.wav", "--out", out]
    options = ["--model", place / "tiny.sft", "--codec", codec, "--seed", "5", "--set", "max_seconds=0.3"]
    told = subprocess.run([*command, *options, "--set", "prompt_seconds=0.2"], capture_output=True, check=False)
    assert told.returncode == 0, told.stderr
    with valle_engine.load({**spec().model_dump(), "precision": "auto"}) as plain:
        assert out.read_bytes() == encode_clip(plain.say(TEXT, place / "3.wav", seed=5, **SHORT), "wav")


def test_asking_for_load_loads_no_torch():
    code = "import sys, valle_engine; valle_engine.load; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
