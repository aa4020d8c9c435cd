"""A panel and its worker: what a part raises is one take's failure; company changes nothing; batches fill."""

import asyncio
from typing import ClassVar

import pluggy
import pytest

from valle_engine.errors import ItemError
from valle_engine.parts import OpenTranscriber, Scorer, Take, Transcriber
from valle_engine.plugins import Plugins
from valle_engine.records import Outcome
from valle_engine.registry import Offer
from valle_engine.scoring import worker as scoring_worker
from valle_engine.scoring.panel import Panel, PanelSpec, together_or_alone
from valle_engine.scoring.worker import ScoreWorker, order_of
from valle_plugins.normalisers.plain import Basic
from valle_plugins.scorers.errors import PhonemeErrorRate, WordErrorRate

BATCHES = []


class Size(Scorer):
    """Length of an item's id; it dislikes one."""

    name: ClassVar[str] = "size"

    def score(self, takes):
        BATCHES.append(len(takes))
        if any(take.outcome.id == "odd" for take in takes):
            raise ValueError("odd ids have no size")
        return [{"size": float(len(take.outcome.id))} for take in takes]


class Short(Scorer):
    """It gives fewer figures than there are takes."""

    name: ClassVar[str] = "short"

    def score(self, takes):
        return [{"short": 0.0}] * (len(takes) - 1)


class Parrot(Transcriber):
    """It hears what the item says."""

    name: ClassVar[str] = "parrot"
    asked: ClassVar[list[str]] = []

    def known(self, take):
        self.asked.append(take.outcome.id)
        if "said" not in take.fields:
            raise ItemError("it says nothing")
        return take.fields["said"]

    def open(self, device) -> OpenTranscriber:
        raise NotImplementedError


KINDS = {"scorers": [Size, Short, WordErrorRate, PhonemeErrorRate], "transcribers": [Parrot], "normalisers": [Basic]}
PLUGINS = Plugins(
    pluggy.PluginManager("valle_engine"),
    (),
    {kind: tuple(Offer(part, "test", "1") for part in parts) for kind, parts in KINDS.items()},
)


def panel(*scorers, transcribers=()):
    named = tuple((name, {}) for name in scorers)
    return Panel(PanelSpec(named, tuple((name, {}) for name in transcribers), ("basic", {})), PLUGINS)


def take(item, transcripts=None, **fields):
    return Take(fields, Outcome(item, "done", "", transcripts=transcripts or {}), None)


def test_what_a_scorer_raises_is_the_failure_of_its_own_take():
    sheets = panel("size").score([take(item) for item in ("a", "bb", "odd", "ccc", "d")])
    assert [sheet.scores.get("size") for sheet in sheets] == [1, 2, None, 3, 1]
    assert [sheet.failure for sheet in sheets if sheet.scores] == [None] * 4
    assert (sheets[2].failure.kind, sheets[2].failure.message) == ("ValueError", "scorer 'size': odd ids have no size")


def test_a_scorer_that_gives_too_few_figures_is_told():
    [sheet] = panel("short").score([take("a")])
    assert "0 results of 1 takes" in sheet.failure.message


def test_what_is_heard_is_compared_as_the_normaliser_leaves_it():
    [sheet] = panel("wer", transcribers=["parrot"]).score([take("a", said="Hello, world", text="hello WORLD!")])
    assert sheet.scores["wer"] == 0
    assert sheet.transcripts == {"parrot": "Hello, world"}
    assert sheet.compared == {"said:wer": "hello world", "expected:wer": "hello world"}


def test_phonemes_are_made_of_texts_where_nothing_writes_phonemes():
    [sheet] = panel("per", transcribers=["parrot"]).score([take("a", said="hello world", text="hello word")])
    assert 0 < sheet.scores["per"] < 0.5
    assert sheet.compared["said:per"].startswith("həl")


def test_a_take_without_its_transcript_fails_alone():
    sheets = panel("wer", transcribers=["parrot"]).score([take("a", said="x", text="x"), take("b", text="x")])
    assert sheets[0].scores["wer"] == 0
    assert sheets[1].failure.message == "transcriber 'parrot': it says nothing"


def test_a_transcript_that_was_kept_is_not_asked_for_again():
    Parrot.asked.clear()
    [sheet] = panel("wer", transcribers=["parrot"]).score([take("a", {"parrot": "kept"}, text="kept")])
    assert sheet.scores["wer"] == 0
    assert not Parrot.asked


def test_figures_do_not_depend_on_the_company():
    takes = [take(item, said=item, text="a bb") for item in ("a", "bb", "ccc")]
    together = panel("size", "wer", transcribers=["parrot"]).score(takes)
    alone = [panel("size", "wer", transcribers=["parrot"]).score([each])[0] for each in takes]
    assert [sheet.scores for sheet in together] == [sheet.scores for sheet in alone]


def test_halves_are_tried_until_who_raises_is_alone():
    tried = []

    def work(things):
        tried.append(list(things))
        if 3 in things:
            raise RuntimeError("three")
        return [2 * thing for thing in things]

    made = together_or_alone(work, [0, 1, 2, 3, 4, 5, 6, 7])
    assert [each if isinstance(each, int) else str(each) for each in made] == [0, 2, 4, "three", 8, 10, 12, 14]
    assert len(tried) == 7


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(scoring_worker, "load_plugins", lambda: PLUGINS)

    def make(batch):
        return ScoreWorker(PanelSpec((("size", {}),), (), ("basic", {}), batch=batch, digest="d"), None, "s0.1")

    return make


def test_a_worker_fills_its_batches_and_tells_each_take(worker):
    async def score():
        made = worker(4)
        await made.submit([order_of({}, Outcome(f"{number:02}", "done", "f"), 4) for number in range(10)])
        ended = []
        while len(ended) < 10:
            ended += (await made.poll(1)).outcomes
        await made.close()
        return ended

    BATCHES.clear()
    ended = asyncio.run(score())
    assert BATCHES == [4, 4, 2]
    assert [outcome.id for outcome in ended] == [f"{number:02}" for number in range(10)]
    assert {(outcome.scores["size"], outcome.scored_by, outcome.state) for outcome in ended} == {(2.0, "d", "done")}


def test_an_error_of_the_worker_itself_is_raised_where_it_is_polled(worker, monkeypatch):
    def broken(*_):
        raise OSError("no folder to work in")

    async def score():
        made = worker(4)
        monkeypatch.setattr(made._panel, "score", broken)
        await made.submit([order_of({}, Outcome("a", "done", "f"), 4)])
        with pytest.raises(OSError, match="no folder"):
            await made.poll(5)
        await made.close()

    asyncio.run(score())
