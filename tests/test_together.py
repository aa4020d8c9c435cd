"""Calls that come together are worked together, and each gets its own result or error."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from valle_engine.together import Together


class Doubling:
    """Doubles numbers; keeps the batches it saw."""

    def __init__(self):
        self.batches = []

    def __call__(self, numbers):
        self.batches.append(list(numbers))
        if 13 in numbers:
            raise ValueError("thirteen")
        return [2 * number for number in numbers]


@pytest.fixture
def doubling():
    return Doubling()


def gathered(work, numbers, most=4):
    async def ask():
        with ThreadPoolExecutor(1) as thread:
            together = Together(work, thread, most)
            return await asyncio.gather(*(together(number) for number in numbers), return_exceptions=True)

    return asyncio.run(ask())


def test_each_gets_its_own(doubling):
    assert gathered(doubling, range(10)) == [2 * number for number in range(10)]
    assert [len(batch) for batch in doubling.batches] == [4, 4, 2]


def test_an_error_is_that_of_the_one_that_caused_it(doubling):
    results = gathered(doubling, [1, 13, 2])
    assert (results[0], results[2]) == (2, 4)
    assert str(results[1]) == "thirteen"


def test_one_that_is_cancelled_leaves_the_others(doubling):
    gate = threading.Event()

    def slow(numbers):
        gate.wait(5)
        return doubling(numbers)

    async def ask():
        with ThreadPoolExecutor(1) as thread:
            together = Together(slow, thread)
            first, second = (asyncio.ensure_future(together(number)) for number in (1, 2))
            await asyncio.sleep(0.05)
            first.cancel()
            gate.set()
            return await second

    assert asyncio.run(ask()) == 4
