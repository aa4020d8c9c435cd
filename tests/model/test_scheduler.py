"""Admission, release, memory, errors and cancellation, and the engine that many coroutines share."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from valle_engine.errors import ItemError
from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import DecodeEngine, choose_dtype, free_memory, prepare, run_all
from valle_engine.model.guidance import Guidance
from valle_engine.model.parallel import Demasking, Levels
from valle_engine.model.requests import Conditions, Context, Refine, Request, Speak, Write
from valle_engine.model.scheduler import Scheduler
from valle_engine.parts import Sampler

FIRST_ONLY = Levels(last=0)


def line(seed=0, tokens=6, samplers=()):
    generator = np.random.default_rng(seed)
    conditions = Conditions(phonemes=generator.integers(4, 256, 5), prompt=generator.integers(0, 1024, (6, 8)))
    return Speak(conditions=conditions, first=Autoregressive(tokens, samplers), rest=FIRST_ONLY, seed=seed)


class Counting:
    """A model that notes how many passes and places each round took."""

    def __init__(self, model):
        self._model = model
        self.rounds = []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, passes):
        self.rounds.append([len(one.positions) for one in passes])
        return self._model.run(passes)


def finish(scheduler):
    ended = {}
    while scheduler.busy:
        ended |= {end.ticket: end for end in scheduler.round()}
    return ended


def submit(model, requests, **options):
    scheduler = Scheduler(model, **({"slots": 4, "cache_bytes": 2**30} | options))
    for ticket, request in enumerate(requests):
        scheduler.submit(ticket, request)
    return scheduler


def test_a_slot_is_taken_again_the_moment_it_is_free(models):
    model = Counting(models["tiny"])
    finish(submit(model, [line(0, 2), line(1, 9), line(2, 6)], slots=2))
    # Rows leave when done: the third line's first look shares a round with a step of the second.
    assert any(len(places) == 2 and 1 in places and max(places) > 1 for places in model.rounds[1:])
    assert max(len(places) for places in model.rounds) == 2


def test_steps_cost_one_place_each(models):
    model = Counting(models["tiny"])
    finish(submit(model, [line(seed, 5) for seed in range(4)]))
    assert model.rounds[1:] == [[1, 1, 1, 1]] * 4


def test_a_round_is_bounded_in_places(models):
    model = Counting(models["tiny"])
    finish(submit(model, [line(seed, 2) for seed in range(4)], round_places=50))
    assert all(len(places) == 1 or sum(places) <= 50 for places in model.rounds)


def test_caches_stay_within_their_memory(models):
    one = models["tiny"].cache_bytes(line().cached_places())
    model = Counting(models["tiny"])
    ended = finish(submit(model, [line(seed) for seed in range(5)], cache_bytes=2 * one))
    assert len(ended) == 5
    assert max(len(places) for places in model.rounds) == 2


def test_what_exceeds_the_memory_runs_alone(models):
    model = Counting(models["tiny"])
    assert len(finish(submit(model, [line(0), line(1)], cache_bytes=1))) == 2
    assert max(len(places) for places in model.rounds) == 1


@pytest.mark.parametrize("guided", [False, True])
def test_the_plan_covers_what_the_caches_take(models, guided):
    sizes = []

    class Noting(Counting):
        def cache(self, capacity):
            sizes.append(capacity)
            return self._model.cache(capacity)

    spoken = line().conditions
    context = Context(phonemes=np.array([1, 5, 2]), codes=np.zeros((7, 8), dtype=np.int64))
    first = Autoregressive(5, guidance=Guidance(2.0) if guided else None, lead=(62, 62))
    request = Speak(conditions=spoken, first=first, rest=FIRST_ONLY, context=context)
    finish(submit(Noting(models["tiny"]), [request]))
    assert sum(sizes) <= request.cached_places() <= sum(sizes) + 2 * 20


class Starving(Counting):
    """A model on a device with room for few places."""

    def __init__(self, model, room):
        super().__init__(model)
        self._room = room

    def run(self, passes):
        if sum(len(one.positions) for one in passes) > self._room:
            raise torch.OutOfMemoryError("out of memory")
        return super().run(passes)


def test_out_of_memory_means_smaller_rounds(models):
    requests = [line(seed, 4) for seed in range(4)]
    expected = run_all(models["tiny"], requests)
    ended = finish(submit(Starving(models["tiny"], 40), requests))
    for ticket, codes in enumerate(expected):
        np.testing.assert_array_equal(ended[ticket].result, codes)


def test_out_of_memory_alone_means_fewer_slots_and_at_last_an_error(models):
    ended = finish(submit(Starving(models["tiny"], 10), [line(0), line(1)]))
    assert [str(ended[ticket].error) for ticket in (0, 1)] == [
        "needs more memory than there is, even alone: shorten it or its prompt"
    ] * 2


def test_other_errors_of_the_model_are_not_taken_for_memory(models):
    class Broken(Counting):
        def run(self, passes):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        finish(submit(Broken(models["tiny"]), [line()]))


class Failing(Sampler):
    """Raises."""

    name = "failing"

    def __call__(self, logits, history, states):
        raise ValueError("a plugin's mistake")


def test_a_failing_sampler_fails_its_own_items_only(models):
    ended = finish(submit(models["tiny"], [line(0), line(1, samplers=(Failing(),)), line(2)]))
    assert str(ended[1].error) == "a plugin's mistake"
    assert ended[0].error is ended[2].error is None


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Speak(conditions=Conditions(phonemes=np.array([999]))), "phonemes ids"),
        (Speak(conditions=Conditions(phonemes=np.array([5])), first=Demasking(), frames=0), "demask 0 frames"),
        (Speak(conditions=Conditions(phonemes=np.array([5])), first=Demasking(0), frames=3), "leaves no step"),
        (
            Speak(conditions=Conditions(), first=Demasking(), frames=3, draft=np.zeros((4, 1), dtype=np.int64)),
            "codes to begin from have 4",
        ),
        (Speak(conditions=Conditions(phonemes=np.array([5])), continue_prompt=True), "one prompt of codes"),
        (Refine(conditions=Conditions(), codes=np.zeros((2, 1))), "codes are whole numbers"),
        (Speak(conditions=Conditions(prompt=("sing",))), "no task token 'sing'"),
        (Speak(conditions=Conditions(), draft=np.zeros((4, 1), dtype=np.int64)), "needs demasking"),
        (Write(conditions=Conditions(task="stt")), "given no response"),
    ],
)
def test_a_wrong_request_fails_by_itself(models, request_, message):
    ended = finish(submit(models["tiny"], [request_, line()]))
    assert isinstance(ended[0].error, ItemError)
    with pytest.raises(ItemError, match=message):
        raise ended[0].error
    assert ended[1].error is None


def test_a_voice_to_convert_keeps_its_length(models):
    voice = np.random.default_rng(0).integers(0, 1024, (90, 8))
    request = Speak(conditions=line().conditions, first=Demasking(6), rest=FIRST_ONLY, frames=90, source=voice, seed=1)
    plain = Speak(conditions=line().conditions, first=Demasking(6), rest=FIRST_ONLY, frames=90, seed=1)
    converted, spoken = run_all(models["tiny"], [request, plain])
    assert converted.shape == (90, 1)
    assert not np.array_equal(converted, spoken)


def test_a_draft_is_kept_where_it_is_not_doubted(models):
    draft = np.random.default_rng(0).integers(0, 1024, (60, 8))
    first = Demasking(5, start=0.8)
    request = Speak(conditions=line().conditions, first=first, rest=FIRST_ONLY, frames=60, draft=draft)
    [codes] = run_all(models["tiny"], [request])
    assert 0.3 < (codes[:, 0] == draft[:, 0]).mean() < 1


@dataclass(frozen=True)
class Forever(Request):
    """Looks at the same sequence for ever."""

    def start(self, model):
        request = Refine(conditions=Conditions(phonemes=np.array([5])), codes=np.zeros((2, 1), dtype=np.int64))
        passes = next(request.start(model))
        while True:
            yield passes

    def cached_places(self):
        return 0


@pytest.fixture
def engine(fresh_model):
    return DecodeEngine(fresh_model(), slots=3)


def together(engine, *requests):
    async def ask():
        try:
            return await asyncio.gather(*(engine.generate(request) for request in requests), return_exceptions=True)
        finally:
            await engine.close()

    return asyncio.run(ask())


def test_coroutines_get_what_they_asked_for(engine, fresh_model):
    requests = [line(seed) for seed in range(7)]
    model = fresh_model()
    prepare(model)
    for found, expected in zip(together(engine, *requests), run_all(model, requests), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_coroutine_hears_of_its_own_error_only(engine):
    wrong, right = together(engine, Speak(conditions=Conditions(phonemes=np.array([999]))), line())
    assert isinstance(wrong, ItemError)
    assert len(right) == 6


def test_who_is_cancelled_frees_its_slot(engine):
    async def cancel():
        endless = [asyncio.create_task(engine.generate(Forever())) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in endless:
            task.cancel()
        codes = await engine.generate(line())
        await engine.close()
        return codes, [task.cancelled() for task in endless]

    codes, cancelled = asyncio.run(cancel())
    assert len(codes) == 6
    assert all(cancelled)


def test_closing_ends_what_waits(engine):
    async def close():
        endless = asyncio.create_task(engine.generate(Forever()))
        await asyncio.sleep(0.05)
        await engine.close()
        return await asyncio.gather(endless, return_exceptions=True)

    [error] = asyncio.run(close())
    assert isinstance(error, asyncio.CancelledError)


def test_a_broken_model_is_told_to_all_who_wait(engine, monkeypatch):
    def broken(_passes):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(engine._scheduler._model, "run", broken)
    errors = together(engine, line(0), line(1))
    assert [str(error) for error in errors] == ["shapes do not match"] * 2


def test_precision_may_be_chosen():
    assert choose_dtype("float32", "cpu") == torch.float32
    assert choose_dtype("bfloat16", "cpu") == torch.bfloat16
    assert choose_dtype("auto", "cpu") in {torch.float32, torch.bfloat16}


def test_there_is_free_memory():
    assert free_memory(torch.device("cpu")) > 2**20


def test_a_request_is_heard_of_while_it_gets_on(engine):
    heard = []

    async def ask():
        await engine.generate(line(tokens=5), lambda: heard.append(1))
        await engine.close()

    asyncio.run(ask())
    assert len(heard) >= 5
