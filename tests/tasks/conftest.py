"""A tiny model with everything that belongs to it, and a worker to run its tasks."""

import asyncio
import hashlib
import shutil

import numpy as np
import pytest
import soundfile
import torch

from valle_engine.codecs.random_weights import write_encodec, write_vocos
from valle_engine.modelspec import ModelSpec
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
def place(reference, tmp_path_factory):
    """A folder with tiny models (`tiny.sft`, `tiny-v6.sft`), small codecs and eight recordings (`0.wav` …)."""
    folder = tmp_path_factory.mktemp("place")
    for profile in ("tiny", "tiny-v6"):
        shutil.copy(reference / "ckpt" / f"{profile}-ar+nar-len-llama-8.sft", folder / f"{profile}.sft")
    for name in ("tokenizer.json", "text_tokenizer.json"):
        shutil.copy(reference / name, folder)
    write_encodec(folder / "encodec.th")
    write_vocos(folder / "vocos.bin")
    random = np.random.default_rng(3)
    for number in range(8):
        samples = random.normal(0, 0.1, 4000 + 3000 * number).astype(np.float32)
        soundfile.write(folder / f"{number}.wav", samples, 24000)
    return folder


@pytest.fixture(scope="session")
def spec(place):
    """The tiny model, with its codec."""

    def spec(name="tiny", **more):
        codec = {
            "name": "vocos",
            "weights": str(place / "vocos.bin"),
            "encoder": {"weights": str(place / "encodec.th")},
        }
        return ModelSpec(name=str(place / f"{name}.sft"), **{"codec": codec, "precision": "float32", **more})

    return spec


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
