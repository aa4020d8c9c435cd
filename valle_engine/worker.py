"""One worker: it holds the task and its model, and runs up to `slots` items at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from valle_engine.errors import DiskFull, ItemError, RetryableError
from valle_engine.keeping import Keeper
from valle_engine.kit import Kit
from valle_engine.plugins import load_plugins
from valle_engine.records import Clip, Failure, Order, Outcome, OutputFile, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.audio.writing import AudioFormat
    from valle_engine.coder import Coder
    from valle_engine.modelspec import ModelSpec
    from valle_engine.opened import OpenModel
    from valle_engine.parts import Task
    from valle_engine.plugins import Plugins

DETAIL_LIMIT = 4000
"""Characters of a traceback that are kept."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """All a worker needs to know; plain data, because it travels to other machines.

    `takes` puts every attempt's file under a name of its own, for a gate to choose from; `sampling` names the samplers
    in their order. `codec`, its name and its options, is that of a task without a model.
    """

    task: str
    options: Mapping[str, Any]
    seed: int
    slots: int
    format: AudioFormat
    takes: bool = False
    model: ModelSpec | None = None
    sampling: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    codec: tuple[str, Mapping[str, Any]] | None = None

    def open_model(self, plugins: Plugins) -> OpenModel | None:
        """Load the model, if there is one. Raises `CheckpointError`."""
        if self.model is None:
            return None
        from valle_engine.opened import OpenModel  # noqa: PLC0415 - torch loads only for a task that needs it

        chain = tuple(plugins.samplers.build(name, dict(options)) for name, options in self.sampling)
        return OpenModel(self.model, chain or None, self.slots, plugins)

    def open_codec(self, plugins: Plugins) -> Coder | None:
        """Load the codec of a task without a model, if there is one. Raises `CheckpointError`."""
        if self.codec is None:
            return None
        from valle_engine.coder import Coder, choose_device  # noqa: PLC0415 - torch loads only for a task that needs it

        name, options = self.codec
        return Coder(plugins.codecs.build(name, dict(options)), choose_device("auto"))


class Outputs(Protocol):
    """Where a worker puts its files: atomically, in their final place."""

    def write(self, name: str, data: bytes, *, samples: int = 0, rate: int = 0) -> OutputFile:
        """Write one file. Raises `StoreError`; `DiskFull` when there is no space left."""

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:
        """Add to the end of a file, durably; returns where each piece begins. Raises as `write` does."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker tells when it is polled: ended takes, and each running item's count of steps."""

    outcomes: tuple[Outcome, ...]
    running: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a worker is: its process, the file its standard error goes to, and whether the driver can read its marks."""

    name: str
    pid: int
    space: str
    stderr: str
    marks: bool


class Worker:
    """One loaded task and its lanes. Built and used inside the process that works, on one event loop."""

    def __init__(self, spec: WorkerSpec, outputs: Outputs, name: str, marks: str | None = None) -> None:
        self._spec = spec
        self._outputs = outputs
        self._name = name
        self._marks = Marks.open(marks)
        plugins = load_plugins()
        self._task: Task = plugins.tasks.build(spec.task, dict(spec.options))
        self._model = spec.open_model(plugins)
        self._coder = spec.open_codec(plugins)
        self._keeper = Keeper(outputs)
        self._queue: asyncio.Queue[Order] = asyncio.Queue()
        self._kits: dict[str, Kit] = {}
        self._ended: list[Outcome] = []
        self._news = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._closed = False

    async def identify(self) -> Identity:
        """Answer once the worker can work."""
        return Identity(self._name, os.getpid(), pid_space(), stderr_path(), self._marks is not None)

    async def submit(self, orders: Sequence[Order]) -> None:
        """Take orders into the queue; they run in turn as lanes get free."""
        for order in orders:
            self._queue.put_nowait(order)
        while len(self._lanes) < min(self._spec.slots, len(self._lanes) + len(orders)):
            self._lanes.append(asyncio.create_task(self._lane()))

    async def poll(self, patience: float) -> Report:
        """Report as soon as a take has ended, and after `patience` seconds in any case."""
        if not self._ended:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), patience)
        ended, self._ended = tuple(self._ended), []
        return Report(ended, {item: kit.steps for item, kit in self._kits.items()})

    async def close(self) -> None:
        """Cancel what runs; for a worker whose process goes on without it."""
        self._closed = True
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        self._keeper.close()
        if self._coder is not None:
            self._coder.close()
        if self._model is not None:
            await self._model.close()

    async def _lane(self) -> None:
        while not self._closed:
            order = await self._queue.get()
            self._mark("+", order)
            outcome = await self._take(order)
            self._mark("-", order)
            self._ended.append(outcome)
            self._news.set()

    def _mark(self, sign: str, order: Order) -> None:
        if self._marks:
            self._marks.write(sign, order.id)

    async def _take(self, order: Order) -> Outcome:
        kit = self._kits[order.id] = Kit(order, self._spec.seed, self._model, self._coder, self._keeper)
        started = time.perf_counter()
        outcome = Outcome(order.id, "failed", order.fingerprint, order.attempt, worker=self._name)
        try:
            item = self._task.Item.model_validate(order.fields)
            result = as_result(await self._task.run(item, kit), self._spec.task)
            file = await self._save(result.clip, order) if result.clip else None
            outcome = replace(outcome, state="done", file=file, values=dict(result.values))
        except RetryableError as error:
            outcome = replace(outcome, failure=_failure(error), retryable=True)
        except DiskFull as error:
            # Not the item's fault: the driver stops the run and leaves the item pending.
            outcome = replace(outcome, failure=_failure(error))
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a task raises is that item's failure
            outcome = replace(outcome, failure=_failure(error))
        finally:
            del self._kits[order.id]
        return replace(outcome, seconds=time.perf_counter() - started)

    async def _save(self, clip: Clip, order: Order) -> OutputFile:
        from valle_engine.audio import encode_clip  # noqa: PLC0415 - soundfile loads when there is sound to write

        data = await asyncio.to_thread(encode_clip, clip, self._spec.format)
        name = output_name(order.id, self._spec.format, order.attempt if self._spec.takes else None)
        return await asyncio.to_thread(self._outputs.write, name, data, samples=len(clip.samples), rate=clip.rate)


class Marks:
    """Durable notes of which item a worker has begun (`+`) and ended (`-`), read by the driver after its death.

    A mark is one write to a file that the driver made: it outlives the process at the cost of a system call.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: str | None) -> Marks | None:
        """Open the driver's file; None where it cannot be seen, as on another machine without a shared folder."""
        if path is None:
            return None
        try:
            return cls(os.open(path, os.O_WRONLY | os.O_APPEND))
        except OSError:
            return None

    def write(self, sign: str, item_id: str) -> None:
        """Leave one mark."""
        os.write(self._descriptor, f"{sign}{item_id}\n".encode())

    @staticmethod
    def begun(text: str) -> set[str]:
        """Ids that were begun and not ended, from a file's text; a torn last line does not count."""
        begun: set[str] = set()
        for line in text.split("\n")[:-1]:
            if line.startswith("+"):
                begun.add(line[1:])
            else:
                begun.discard(line[1:])
        return begun


def output_name(item_id: str, extension: str, attempt: int | None = None) -> str:
    """Name of an item's file inside the output folder; a take that a gate has not judged yet has its own."""
    if attempt is None:
        return f"audio/{item_id}.{extension}"
    return f"takes/{item_id}.{attempt}.{extension}"


def pid_space() -> str:
    """Name of the space in which this process's id means something: this boot of this machine, this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def stderr_path() -> str:
    """The file that this process's standard error goes to; empty where it is none."""
    try:
        return str(Path(f"/proc/self/fd/{sys.stderr.fileno()}").readlink())
    except (OSError, ValueError):
        return ""


def as_result(returned: Any, task: str) -> Result:
    """What a task returned, as a result. Raises `ItemError` for what is none, or has an empty clip."""
    result = returned
    if isinstance(returned, Clip):
        result = Result(clip=returned)
    elif isinstance(returned, Mapping):
        result = Result(values=returned)
    if not isinstance(result, Result):
        raise ItemError(
            f"task {task!r} returned {type(returned).__name__}; it must return a Clip, a mapping or a Result"
        )
    if result.clip is not None and not len(result.clip.samples):
        raise ItemError(f"task {task!r} returned a clip without samples")
    orjson.dumps(dict(result.values), option=orjson.OPT_SERIALIZE_NUMPY)
    return result


def _failure(error: BaseException) -> Failure:
    if isinstance(error, SystemExit):
        return Failure("SystemExit", f"the task called sys.exit({error.code!r})")
    detail = "" if isinstance(error, ItemError) else "".join(traceback.format_exception(error))[-DETAIL_LIMIT:]
    return Failure(type(error).__name__, str(error) or type(error).__name__, detail)
