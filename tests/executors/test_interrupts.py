"""Signals while something runs that has no orders to finish."""

import os
import signal
import time
from contextlib import suppress

import pytest

from valle_engine.executors import interrupts as module
from valle_engine.executors.interrupts import Interrupted, Interrupts


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.02)


def come(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_a_signal_raises_where_it_comes():
    with Interrupts() as interrupts, pytest.raises(Interrupted), interrupts.raising():
        come(signal.SIGTERM)
        time.sleep(5)
    assert interrupts.exit_code == 143


def test_one_that_a_library_drops_is_raised_again():
    heard = []
    with Interrupts() as interrupts, pytest.raises(Interrupted), interrupts.raising():
        with suppress(Interrupted):
            come()
        time.sleep(5)
        heard.append("the end")
    assert not heard


def test_one_that_is_dropped_at_the_very_end_counts_too():
    with Interrupts() as interrupts, pytest.raises(Interrupted), interrupts.raising(), suppress(Interrupted):
        come()


def test_what_clears_up_is_not_disturbed():
    done = []
    with Interrupts() as interrupts, pytest.raises(Interrupted), interrupts.raising():
        try:
            come()
            time.sleep(5)
        finally:
            with suppress(OSError):
                try:
                    raise OSError
                finally:
                    time.sleep(0.1)
            done.append("cleared up")
    assert done


def test_nothing_comes_again_afterwards():
    before = signal.getsignal(signal.SIGALRM)
    with Interrupts() as interrupts, pytest.raises(Interrupted), interrupts.raising():
        come()
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
