"""One worker on an event loop: what becomes of its items, whatever they do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from valle_engine import worker as worker_module
from valle_engine.errors import DiskFull, ItemError, RetryableError
from valle_engine.kit import Kit, stream_seed
from valle_engine.parts import BaseItem, Task
from valle_engine.records import Clip, Order, Outcome, OutputFile, Result
from valle_engine.registry import Offer, Registry
from valle_engine.worker import Marks, Worker, WorkerSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLIP = Clip(np.zeros(80, np.float32), 8000)


class Memory:
    """Outputs that are kept in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes, *, samples: int = 0, rate: int = 0) -> OutputFile:
        self.files[name] = data
        return OutputFile(name, len(data), hashlib.sha256(data).hexdigest(), samples, rate)


class Act(Task):
    """Do what a test says."""

    name = "act"
    act: ClassVar[Callable[[Any, Kit], Any]]

    class Item(BaseItem):
        """Nothing but its id."""

    Item: ClassVar[type[BaseItem]] = Item

    async def run(self, item: Any, kit: Any) -> Any:
        result = type(self).act(item, kit)
        return await result if asyncio.iscoroutine(result) else result


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Worker]:
    """Make a worker whose task does `act`; its plugins are one part, offered the usual way."""

    class Only:
        tasks = Registry.collect("task", [Offer(Act, "tests", "1")])

    monkeypatch.setattr(worker_module, "load_plugins", Only)

    def make(act: Callable[..., Any], marks: str | None = None, **spec: Any) -> Worker:
        monkeypatch.setattr(Act, "act", staticmethod(act), raising=False)
        facts: dict[str, Any] = {"task": "act", "options": {}, "seed": 7, "slots": 2, "format": "wav", **spec}
        return Worker(WorkerSpec(**facts), Memory(), "w0.1", marks)

    return make


def order(item: str = "a", attempt: int = 0) -> Order:
    return Order(item, {"id": item}, "f", attempt)


async def finish(worker: Worker, *orders: Order) -> list[Outcome]:
    await worker.submit(orders)
    outcomes: list[Outcome] = []
    while len(outcomes) < len(orders):
        outcomes += (await worker.poll(5)).outcomes
    await worker.close()
    return outcomes


def outcome_of(worker: Worker, *orders: Order) -> Outcome:
    [outcome] = asyncio.run(finish(worker, *(orders or [order()])))
    return outcome


def failing(error: BaseException) -> Callable[..., Any]:
    def act(_item: Any, _kit: Kit) -> Any:
        raise error

    return act


def test_a_clip_is_written_under_the_items_name(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(lambda item, kit: CLIP))
    assert (outcome.state, outcome.file.path, outcome.file.samples, outcome.file.rate) == (
        "done",
        "audio/a.wav",
        80,
        8000,
    )


def test_a_take_before_a_gate_has_a_name_of_its_own(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(lambda item, kit: CLIP, takes=True), order("a", attempt=2))
    assert outcome.file.path == "takes/a.2.wav"


def test_values_need_no_file(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(lambda item, kit: {"text": "hello"}))
    assert (outcome.state, outcome.values, outcome.file) == ("done", {"text": "hello"}, None)


def test_a_result_may_hold_both(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(lambda item, kit: Result(CLIP, {"words": 2})))
    assert outcome.file
    assert outcome.values == {"words": 2}


@pytest.mark.parametrize("returned", [None, 3, "text", Clip(np.zeros(0, np.float32), 8000), {"bad": object()}])
def test_what_is_no_result_fails_the_item(build: Callable[..., Worker], returned: Any) -> None:
    assert outcome_of(build(lambda item, kit: returned)).state == "failed"


def test_an_item_error_is_final_and_needs_no_traceback(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(failing(ItemError("no text in it"))))
    assert (outcome.state, outcome.retryable) == ("failed", False)
    assert (outcome.failure.kind, outcome.failure.message, outcome.failure.detail) == ("ItemError", "no text in it", "")


def test_a_retryable_error_says_so(build: Callable[..., Worker]) -> None:
    assert outcome_of(build(failing(RetryableError("busy")))).retryable


def test_any_other_exception_keeps_its_traceback(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(build(failing(ZeroDivisionError("oh"))))
    assert "test_worker.py" in outcome.failure.detail


@pytest.mark.parametrize("error", [SystemExit(0), asyncio.CancelledError(), MemoryError()])
def test_what_would_end_the_loop_fails_its_item_alone(build: Callable[..., Worker], error: BaseException) -> None:
    def act(item: Any, _kit: Kit) -> Any:
        if item.id == "bad":
            raise error
        return {}

    outcomes = asyncio.run(finish(build(act), order("bad"), order("good")))
    assert {outcome.id: outcome.state for outcome in outcomes} == {"bad": "failed", "good": "done"}


def test_a_full_disk_is_told_as_such(build: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> OutputFile:
        raise DiskFull("no space left")

    worker = build(lambda item, kit: CLIP)
    monkeypatch.setattr(Memory, "write", full)
    assert outcome_of(worker).failure.kind == "DiskFull"


def test_no_more_items_run_at_a_time_than_there_are_slots(build: Callable[..., Worker]) -> None:
    running, most = 0, 0

    async def act(_item: Any, _kit: Kit) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return {}

    asyncio.run(finish(build(act, slots=3), *(order(str(number)) for number in range(20))))
    assert most == 3


def test_a_poll_tells_the_steps_of_running_items(build: Callable[..., Worker]) -> None:
    async def watch() -> list[int]:
        gate = asyncio.Event()

        async def act(_item: Any, kit: Kit) -> dict[str, Any]:
            for _ in range(5):
                kit.progress()
            await gate.wait()
            return {}

        worker = build(act)
        await worker.submit([order()])
        report = await worker.poll(0.01)
        gate.set()
        await worker.poll(5)
        await worker.close()
        return list(report.running.values())

    assert asyncio.run(watch()) == [5]


def test_a_stream_belongs_to_seed_item_and_attempt() -> None:
    seeds = {stream_seed(seed, item, attempt) for seed in (0, 1) for item in ("a", "b") for attempt in (0, 1)}
    assert len(seeds) == 8
    assert stream_seed(0, "a", 0) == stream_seed(0, "a", 0)


def test_random_starts_anew_each_time(build: Callable[..., Worker]) -> None:
    outcome = outcome_of(
        build(lambda item, kit: {"same": float(kit.random().random()) == float(kit.random().random())})
    )
    assert outcome.values == {"same": True}


def test_blocking_work_leaves_the_loop_free_and_counts_as_progress(build: Callable[..., Worker]) -> None:
    async def act(_item: Any, kit: Kit) -> dict[str, Any]:
        doubled = await kit.blocking(lambda value: value * 2, 21)
        return {"value": doubled, "steps": kit.steps}

    assert outcome_of(build(act)).values == {"value": 42, "steps": 1}


def test_marks_tell_what_was_begun_and_not_ended(build: Callable[..., Worker], tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.touch()
    outcome_of(build(lambda item, kit: {}, str(marks)))
    assert marks.read_text() == "+a\n-a\n"
    assert Marks.begun("+a\n-a\n+b\n+c") == {"b"}


def test_a_worker_that_cannot_see_the_marks_says_so(build: Callable[..., Worker], tmp_path: Path) -> None:
    async def marks() -> bool:
        return (await build(lambda item, kit: {}, str(tmp_path / "elsewhere")).identify()).marks

    assert not asyncio.run(marks())


def test_a_worker_tells_its_process(build: Callable[..., Worker]) -> None:
    identity = asyncio.run(build(lambda item, kit: {}).identify())
    assert identity.pid == os.getpid()
    assert identity.space == worker_module.pid_space() != ""
    assert sys.platform == "linux"
