"""Signals while something runs that has no orders to finish."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from valle_engine.executors import interrupts as module
from valle_engine.executors.interrupts import Interrupted, Interrupts


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.02)


def come(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def interrupted(work: Callable[[], None]) -> Interrupts:
    """Work that a signal ends."""

    def run() -> None:
        with interrupts.raising():
            work()

    with Interrupts() as interrupts, pytest.raises(Interrupted):
        run()
    return interrupts


def test_a_signal_raises_where_it_comes():
    def work():
        come(signal.SIGTERM)
        time.sleep(5)

    assert interrupted(work).exit_code == 143


def test_one_that_a_library_drops_is_raised_again():
    heard = []

    def work():
        with suppress(Interrupted):
            come()
        time.sleep(5)
        heard.append("the end")

    interrupted(work)
    assert not heard


def test_one_that_is_dropped_at_the_very_end_counts_too():
    def work():
        with suppress(Interrupted):
            come()

    assert interrupted(work).reason == "interrupted by SIGINT"


def test_what_clears_up_is_not_disturbed():
    done = []

    def clear_up():
        with suppress(OSError):
            try:
                raise OSError
            finally:
                time.sleep(0.1)
        done.append("cleared up")

    def work():
        try:
            come()
        finally:
            clear_up()

    interrupted(work)
    assert done


def test_nothing_comes_again_afterwards():
    before = signal.getsignal(signal.SIGALRM)
    interrupted(come)
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
