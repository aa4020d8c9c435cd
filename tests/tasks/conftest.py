"""A tiny model with everything that belongs to it, and a worker to run its tasks."""

import asyncio
import hashlib

import pytest
import torch

from valle_engine.records import Order, OutputFile
from valle_engine.worker import Worker, WorkerSpec

torch.set_num_threads(1)


class Memory:
    """Outputs that are kept in memory."""

    def __init__(self):
        self.files = {}

    def write(self, name, data, *, samples=0, rate=0):
        self.files[name] = data
        return OutputFile(name, len(data), hashlib.sha256(data).hexdigest(), samples, rate)


@pytest.fixture(scope="session")
def work(spec):
    """Work items of a task on one worker; returns what became of each by its id, with the bytes of its file."""

    def work(task, items, slots=4, options=(), sampling=(), model=None):
        plan = WorkerSpec(task, dict(options), 7, slots, "wav", model=model or spec(), sampling=tuple(sampling))
        return asyncio.run(_worked(Worker(plan, outputs := Memory(), "w"), items, outputs))

    return work


async def _worked(worker, items, outputs):
    orders = [Order(item["id"], item, "f") for item in items]
    await worker.submit(orders)
    ended = []
    while len(ended) < len(orders):
        ended += (await worker.poll(5)).outcomes
    await worker.close()
    return {each.id: (each, outputs.files.get(each.file.path) if each.file else None) for each in ended}
