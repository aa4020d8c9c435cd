"""The pool in this process: an error of the worker itself is told, not waited for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from valle_engine.errors import RunAborted
from valle_engine.executors import inline
from valle_engine.executors.pool import SET_UP_FAILED, Died, Ready
from valle_engine.records import Order
from valle_engine.worker import Identity

if TYPE_CHECKING:
    from collections.abc import Callable


class Worker:
    """A stand-in that works until it is told to fail."""

    fault = ""

    def __init__(self, *_: Any) -> None:
        if self.fault == "init":
            raise OSError("no weights")

    async def identify(self) -> Identity:
        return Identity("w0.1", 1, "here", "", marks=False)

    async def submit(self, orders: Any) -> None:
        if self.fault == "submit":
            raise TypeError("cannot take it")

    async def poll(self, patience: float) -> Any:
        if self.fault == "poll":
            raise ValueError("cannot tell")
        await asyncio.sleep(3600)

    async def close(self) -> None:
        return


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], inline.InlinePool]:
    made: list[inline.InlinePool] = []

    def make(fault: str) -> inline.InlinePool:
        monkeypatch.setattr(Worker, "fault", fault)
        made.append(inline.InlinePool(Worker))
        return made[-1]

    yield make
    for each in made:
        each.close()


def events_until(pool: inline.InlinePool, kind: type[Any]) -> list[Any]:
    """Events up to the first of a kind, and what came with it."""
    found: list[Any] = []
    until = time.monotonic() + 5
    while not any(isinstance(event, kind) for event in found):
        assert time.monotonic() < until
        found += pool.wait(0.1)
    return found


def test_a_set_up_that_fails_is_told(pool: Callable[[str], inline.InlinePool]) -> None:
    made = pool("init")
    made.start("w0.1")
    [died] = events_until(made, Died)
    assert (died.failure.kind, died.failure.message) == (SET_UP_FAILED, "OSError: no weights")


@pytest.mark.parametrize(("fault", "told"), [("poll", "cannot tell"), ("submit", "cannot take it")])
def test_an_error_of_the_worker_itself_is_told(pool: Callable[[str], inline.InlinePool], fault: str, told: str) -> None:
    made = pool(fault)
    made.start("w0.1")
    found = events_until(made, Ready)
    made.submit("w0.1", [Order("a", {}, "f")])
    if not any(isinstance(event, Died) for event in found):
        found += events_until(made, Died)
    assert any(isinstance(event, Died) and told in event.failure.message for event in found)


def test_a_thread_cannot_be_killed_and_that_is_said(pool: Callable[[str], inline.InlinePool]) -> None:
    with pytest.raises(RunAborted, match="cannot end it without the run"):
        pool("").kill("w0.1")
