"""A plugin whose items do what they are told: work, die, hang, eat memory. It uses the public hooks like any other."""

import asyncio
import ctypes
import functools
import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from valle_engine import BaseItem, Clip, ItemError, RetryableError, Scorer, Take, Task, hookimpl
from valle_engine.audio import read_clip
from valle_engine.store import ledger, outputs
from valle_engine.worker import Worker

VALLE_API = "1.0"
RATE = 8000


class BadReduceError(Exception):
    """An exception that cannot be rebuilt from its pickle."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second

    def __reduce__(self) -> Any:
        return BadReduceError, ("only one",)


class Fault(Task):
    """Do `item.do`, then give a short noise that belongs to the item."""

    name = "fault"

    class Item(BaseItem):
        """An item with its fate."""

        do: str = "work"
        seconds: float = 0.0
        text: str = ""
        voice: Path | None = None

    Item: ClassVar[type[BaseItem]] = Item

    log: str | None = None
    loudness: float = 0.1

    async def run(self, item: Any, kit: Any) -> Clip | dict[str, Any]:
        self.note(f"start {item.id} {os.getpid()}")
        await getattr(self, f"do_{item.do.replace('-', '_')}")(item, kit)
        self.note(f"end {item.id} {os.getpid()}")
        if item.do == "talk":
            return {"text": "word " * 100}
        if item.do == "devices":
            return {"pid": os.getpid(), "cuda": os.environ.get("CUDA_VISIBLE_DEVICES")}
        samples = (
            kit.random().standard_normal(RATE * (2 if item.do == "loud" else 1) // 50).astype(np.float32)
            * self.loudness
        )
        return Clip(np.clip(samples, -1, 1), RATE)

    def note(self, line: str) -> None:
        if self.log:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{line}\n".encode())
            os.close(descriptor)

    async def do_work(self, item: Any, kit: Any) -> None:
        await asyncio.sleep(item.seconds)

    async def do_loud(self, item: Any, kit: Any) -> None:
        """Give some more sound than others, see `run`."""

    async def do_talk(self, item: Any, kit: Any) -> None:
        """Give words and no sound, see `run`."""

    async def do_devices(self, item: Any, kit: Any) -> None:
        """Tell which devices this worker sees, see `run`; stay long enough for every worker to get an item."""
        await asyncio.sleep(0.5)

    async def do_sigkill(self, item: Any, kit: Any) -> None:
        await asyncio.sleep(item.seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    async def do_exit(self, item: Any, kit: Any) -> None:
        sys.exit(0)

    async def do_os_exit(self, item: Any, kit: Any) -> None:
        await asyncio.sleep(item.seconds)
        os._exit(0)

    async def do_segv(self, item: Any, kit: Any) -> None:
        await asyncio.sleep(item.seconds)
        ctypes.string_at(0)

    async def do_raise(self, item: Any, kit: Any) -> None:
        raise ValueError(f"{item.id} cannot be spoken")

    async def do_bad_reduce(self, item: Any, kit: Any) -> None:
        raise BadReduceError("strange", "error")

    async def do_item_error(self, item: Any, kit: Any) -> None:
        raise ItemError(f"{item.id} is no good: {item.text}")

    async def do_flaky(self, item: Any, kit: Any) -> None:
        """Fail with a retryable error until it was begun three times."""
        if begun(self.log, item.id) < 3:
            raise RetryableError("busy")

    async def do_hang_python(self, item: Any, kit: Any) -> None:
        time.sleep(3600)  # noqa: ASYNC251 - that is the fault

    async def do_hang_gil(self, item: Any, kit: Any) -> None:
        ctypes.PyDLL(None).sleep(3600)

    async def do_hang_await(self, item: Any, kit: Any) -> None:
        await asyncio.sleep(3600)

    async def do_sigstop(self, item: Any, kit: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    async def do_slow(self, item: Any, kit: Any) -> None:
        until = time.monotonic() + item.seconds
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            kit.progress()

    async def do_eat(self, item: Any, kit: Any) -> None:
        hoard = []
        while True:
            hoard.append(np.ones(2**22))
            await asyncio.sleep(0.01)


def begun(log: str | None, item: str) -> int:
    """How often an item was begun."""
    return Path(log).read_text().count(f"start {item} ") if log else 0


class FaultyStart(Fault):
    """A task that cannot be set up."""

    name = "faulty-start"
    how: str = "raise"

    def model_post_init(self, context: Any) -> None:
        if not is_worker():
            return
        if self.how == "raise":
            raise FileNotFoundError("weights of the model are missing")
        if self.how == "exit":
            os._exit(3)
        time.sleep(3600)


def is_worker() -> bool:
    """Whether this process is a Ray worker."""
    return "ray" in sys.modules and "default_worker" in " ".join(sys.orig_argv)


def count_steps() -> None:
    """Kill the driver before its VALLE_FAULT_STEP-th step: a write of the ledger, or what makes a file last."""
    wanted = os.environ.get("VALLE_FAULT_STEP")
    if wanted is None:
        return
    left = [int(wanted)]

    def counted(original: Any) -> Any:
        @functools.wraps(original)
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return call

    for name in ("replace", "fsync", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    for name in ("begin_run", "record", "charge", "end_run", "_fold"):
        setattr(ledger.Ledger, name, counted(getattr(ledger.Ledger, name)))


def arm() -> None:
    """Kill this worker at the place that VALLE_FAULT_AT names, for the item or the worker of VALLE_FAULT_ITEM.

    The engine knows nothing of it: the faults are put into a worker from outside, where a power cut would come from.
    """
    place, item = os.environ.get("VALLE_FAULT_AT"), os.environ.get("VALLE_FAULT_ITEM", "")
    if place == "clock":
        real = time.time
        time.time = lambda: real() + random.choice((-3600, 0, 3600))
    if place is None or not is_worker():
        return

    if place in {"written", "writing"}:
        wrap_write(outputs.OutputFolder, place, item)
    elif place == "place":
        wrap(Worker, "_take", lambda worker, *_: worker._name.startswith(f"{item}."))
    elif place == "poll":
        wrap(Worker, "submit", lambda worker, *_: worker._name.startswith(f"{item}."), stop=True)


def wrap(owner: Any, method: str, condition: Any, *, stop: bool = False) -> None:
    """Kill or stop the process when a method is called and a condition holds."""
    original = getattr(owner, method)

    async def wrapped(self: Any, *arguments: Any) -> Any:
        if condition(self, *arguments):
            os.kill(os.getpid(), signal.SIGSTOP if stop else signal.SIGKILL)
        return await original(self, *arguments)

    setattr(owner, method, wrapped)


def wrap_write(owner: Any, place: str, item: str) -> None:
    """Kill the process once, before or after an item's file gets its final name."""
    original, replace = owner.write, os.replace
    flag = Path(os.environ["VALLE_FAULT_FLAG"])

    def die_once() -> None:
        if not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self: Any, name: str, *arguments: Any, **options: Any) -> Any:
        if item not in name:
            return original(self, name, *arguments, **options)
        if place == "writing":
            os.replace = os.rename = lambda *_, **__: die_once() or replace(*_, **__)
        written = original(self, name, *arguments, **options)
        die_once()
        return written

    owner.write = write


class Grim(Scorer):
    """Score what an item's id is long, and do to this process what its text says."""

    name = "grim"

    seconds: float = 0.0
    log: str | None = None

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        self.note(f"score {takes[0].outcome.id} {os.getpid()}")
        time.sleep(self.seconds)
        texts = [str(take.fields.get("text", "")) for take in takes]
        if "kill the scorer" in texts:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang the scorer" in texts:
            time.sleep(3600)
        return [{"grim": float(len(take.outcome.id)), "grim.loud": loudness(take)} for take in takes]

    def note(self, text: str) -> None:
        if self.log is not None:
            with Path(self.log).open("a") as log:
                log.write(f"{text}\n")


def loudness(take: Take) -> float:
    """Something that the take's own noise decides."""
    return float(np.abs(read_clip(take.audio).samples).mean())


arm()
count_steps()


@hookimpl
def scorers() -> list[type[Scorer]]:
    return [Grim]


@hookimpl
def tasks() -> list[type[Task]]:
    return [Fault, FaultyStart]
