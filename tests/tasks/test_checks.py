"""What cannot go together is told when a job is checked, before any weights are loaded."""

import json

import pytest

from valle_engine.job.loading import check_job
from valle_engine.plugins import load_plugins


@pytest.fixture
def problems(spec, tmp_path):
    """What is wrong with a job of a task, in words."""

    def problems(task, sampling=(), model="tiny", **item):
        job = {
            "name": "a",
            "task": task,
            "model": spec(model).model_dump(mode="json"),
            "sampling": dict.fromkeys(sampling),
            "items": [{"id": "one", **item}],
        }
        (tmp_path / "job.yaml").write_text(json.dumps(job))
        return [str(problem) for problem in check_job(tmp_path / "job.yaml", load_plugins())[1]]

    return problems


@pytest.mark.parametrize("sampler", ["mirostat", "dry", "repetition-penalty"])
def test_samplers_that_look_back_do_not_go_with_demasking(problems, sampler):
    [told] = problems({"name": "tts", "decoding": "nar-len"}, [sampler], text="Hello")
    assert f"sampler {sampler!r} goes by what was drawn before" in told
    assert not problems({"name": "tts", "decoding": "ar"}, [sampler], text="Hello")


@pytest.mark.parametrize("sampler", ["mirostat", "greedy", "entropix"])
def test_one_rule_decides(problems, sampler):
    [told] = problems({"name": "tts", "beams": 4}, [sampler], text="Hello")
    assert "so does a beam search" in told


def test_two_rules_do_not_go_together(problems):
    assert len(problems("tts", ["mirostat", "greedy"], text="Hello")) == 1


@pytest.mark.parametrize(
    ("task", "item", "words"),
    [
        ({"name": "tts", "decoding": "nar-len", "beams": 2}, {"text": "a"}, "beams are for decoding 'ar'"),
        ("unphonemize", {"phonemes": "a"}, "no 'text' head"),
        ({"name": "stt", "spell": True}, {"audio": __file__}, "no 'text' head"),
        ({"name": "voice-conversion", "decoding": "ar"}, {"audio": __file__, "voice": __file__}, "nar-len"),
        ({"name": "tts", "max_seconds": 0}, {"text": "a"}, "greater than 0"),
    ],
)
def test_what_the_task_or_the_model_cannot_do_is_told(problems, task, item, words):
    [told] = problems(task, **item)
    assert words in told


def test_samplers_without_an_effect_are_refused(problems):
    [told] = problems("duration", ["temperature"], text="a")
    assert "duration draws nothing" in told


@pytest.mark.parametrize("task", ["unphonemize", {"name": "stt", "spell": True}])
def test_a_version_6_model_writes_text(problems, task):
    assert not problems(task, model="tiny-v6", phonemes="a", audio=__file__)
