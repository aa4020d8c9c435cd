"""A source may bring a gate: it holds for jobs that have none of their own."""

import json
from typing import ClassVar

import pytest

from valle_engine.job.loading import load_job
from valle_engine.job.presets import with_gate
from valle_engine.parts import Source
from valle_engine.plugins import load_plugins

BOOK = {"name": "a", "task": "espeak", "items": {"kind": "book", "path": "a.txt"}}


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


@pytest.fixture
def job(tmp_path, plugins):
    def job(**sections):
        (tmp_path / "a.txt").write_text("One. Two.\n")
        path = tmp_path / "job.yaml"
        path.write_text(json.dumps({**BOOK, **sections}))
        return load_job(path, plugins)

    return job


def names(job):
    return [scorer.name for scorer in job.scorers]


def test_a_book_has_a_gate_without_a_word_of_it_in_the_job(job):
    found = job()
    assert names(found) == ["silence", "clipping", "cut-ending", "length"]
    assert found.spec.accept["length"].max == 1.6
    assert found.spec.attempts == 3


def test_an_empty_accept_is_no_gate(job):
    found = job(accept={})
    assert (names(found), found.spec.accept, found.spec.attempts) == ([], {}, 1)


def test_what_the_job_says_itself_holds(job):
    found = job(scores=["length", "real-time-factor"], attempts=5)
    assert names(found) == ["length", "real-time-factor", "silence", "clipping", "cut-ending"]
    assert found.scorers[0].slack == 0
    assert found.spec.attempts == 5


def test_a_gate_of_the_job_s_own_is_the_only_one(job):
    found = job(scores=["silence"], accept={"silence": {"max": 9}})
    assert names(found) == ["silence"]
    assert (list(found.spec.accept), found.spec.attempts) == (["silence"], 1)


def test_what_cannot_be_listened_to_has_no_gate_on_sound(plugins):
    assert "accept" in with_gate(BOOK, plugins)
    assert "accept" not in with_gate({**BOOK, "task": "duration"}, plugins)


def test_other_sources_have_none(job):
    assert job(items={"kind": "text", "path": "a.txt"}).spec.accept == {}


def test_a_gate_says_sections_of_a_job_and_no_other(plugins):
    for offer in plugins.sources.offers.values():
        assert set(offer.part.gate) <= {"scores", "accept", "attempts"}


def test_a_source_of_a_plugin_may_bring_one(plugins_with, write):
    class Plays(Source):
        name: ClassVar[str] = "plays"
        gate: ClassVar[dict] = {"scores": ["wer"], "accept": {"wer": {"max": 0.2}}, "attempts": 2}

        def rows(self):
            yield from ()

    job = load_job(write("{name: a, task: tts, items: {kind: plays}}"), plugins_with(sources=[Plays]))
    assert (names(job), job.spec.accept["wer"].max, job.spec.attempts) == (["wer"], 0.2, 2)
