"""What a job says of its scoring is checked before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from valle_engine.job.loading import check_job
from valle_engine.plugins import load_plugins

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def problems(tmp_path: Path):
    """The problems of a job, as its author reads them."""

    def find(items: list[dict[str, object]] | None = None, **sections: object) -> list[str]:
        given = items or [{"id": "a", "text": "hello", "heard": "hello"}]
        job = {"name": "job", "task": "espeak", "items": given, **sections}
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
        return [str(problem) for problem in check_job(tmp_path / "job.yaml", load_plugins())[1]]

    return find


GIVEN = {"transcribers": [{"name": "given", "column": "heard"}]}


def test_a_scored_job_is_sound(problems):
    assert problems(scores=["wer", "per", "silence"], scoring=GIVEN, accept={"wer.longest": {"max": 2}}) == []


def test_a_scorer_that_nothing_hears_for_is_refused_with_a_way_out(problems):
    [told] = problems(scores=["wer"])
    assert "scorer 'wer' compares text, and no transcriber writes that" in told
    assert "add `scoring: {transcribers: […]}`" in told


def test_words_cannot_be_made_of_phonemes(problems):
    phonemes = {"transcribers": [{"name": "given", "column": "heard", "form": "phonemes"}]}
    assert problems(scores=["per"], scoring=phonemes) == []
    [told] = problems(scores=["wer"], scoring=phonemes)
    assert "compares text" in told


@pytest.mark.parametrize(
    ("scorer", "lacks"),
    [("stoi", "reference"), ("speaker-similarity", "voice"), ({"name": "duration-error", "seconds": "true"}, "true")],
)
def test_an_item_without_what_a_scorer_reads_is_told(problems, scorer, lacks):
    name = scorer if isinstance(scorer, str) else scorer["name"]
    items = [{"id": "a", "text": "hello"}]
    found = problems(items=items, scores=[scorer], task="espeak", defaults={"voice": None} if lacks == "voice" else {})
    if lacks != "voice":
        assert any(f"has no {lacks!r}, which the scorer {name!r} needs" in each for each in found)
    else:
        assert any("voice" in each for each in found)


def test_a_reference_that_is_not_there_is_told(problems):
    [told] = problems(items=[{"id": "a", "text": "hello", "reference": "nowhere.wav"}], scores=["stoi"])
    assert "no such file" in told


def test_a_transcriber_s_column_must_be_there(problems):
    [told] = problems(items=[{"id": "a", "text": "hello"}], scores=["wer"], scoring=GIVEN)
    assert "has no 'heard', which the scorer 'given' needs" in told


@pytest.mark.parametrize(
    ("scoring", "told"),
    [
        ({"normaliser": "wisper"}, "did you mean 'whisper'?"),
        ({"transcribers": ["wisper"]}, "did you mean 'whisper'?"),
        ({"normalizer": "basic"}, "did you mean 'normaliser'?"),
        ({"batch": 0}, "greater than or equal to 1"),
        ({"transcribers": [{"name": "given"}]}, "one of `column`, `value` and `file`"),
    ],
)
def test_a_mistake_in_the_section_is_told(problems, scoring, told):
    assert any(told in each for each in problems(scores=["silence"], scoring=scoring))


def test_a_bound_of_a_detail_needs_its_scorer(problems):
    [told] = problems(scores=["silence"], accept={"wer.longest": {"max": 1}})
    assert "no score 'wer.longest' is computed" in told
