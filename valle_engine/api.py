"""The engine from Python: one model held open, and what a job would do with it.

from valle_engine import load

with load() as model:
clip = model.say("Good morning.")
for piece in model.stream("A long text, heard as it is spoken.", voice="reader.wav"):
play(piece.samples, piece.rate)
"""

from __future__ import annotations

import asyncio
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from pydantic import ValidationError

from valle_engine.errors import ItemError, JobError
from valle_engine.job.fingerprints import FileDigests
from valle_engine.job.model import anchored, locate
from valle_engine.job.paths import Base, path_fields
from valle_engine.job.presets import Presets
from valle_engine.job.voices import VOICE, Voices
from valle_engine.kit import Kit
from valle_engine.model.names import unfit
from valle_engine.modelspec import DEFAULT_MODEL, ModelSpec
from valle_engine.plugins import load_plugins
from valle_engine.records import Clip, Order, Result
from valle_engine.registry import problems_of
from valle_engine.worker import as_result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    import numpy as np

    from valle_engine.decoding import Spoken
    from valle_engine.parts import BaseItem, Sampler, Task
    from valle_engine.plugins import Plugins

ITEM = "say"
"""Id of what is said, as in `valle say`: the same seed gives the same sound."""


@runtime_checkable
class Streaming(Protocol):
    """A task that gives its codes while it speaks."""

    def pieces(self, item: Any, kit: Kit) -> AsyncIterator[tuple[Spoken, np.ndarray]]:
        """Each part of what is spoken, with its codes (frames, codebooks)."""


def load(
    model: str | Mapping[str, Any] = DEFAULT_MODEL, *, sampling: Mapping[str, Any] | None = None, slots: int = 16
) -> LoadedModel:
    """Open a model, given as a job gives it (`model:`, `sampling:`); paths start at the working folder.

    Without `sampling`, each task draws as the model has it.

    Raises `JobError` for what is wrong with it, `CheckpointError` for weights that cannot be used.
    """
    plugins = load_plugins()
    return LoadedModel(spec_of(model, plugins), sampling, slots, plugins)


def spec_of(model: str | Mapping[str, Any], plugins: Plugins, folder: Path | None = None) -> ModelSpec:
    """A model as a job says it, checked, with absolute paths. Raises `JobError`."""
    start = folder or Path.cwd()
    try:
        spec = ModelSpec.model_validate(model)
    except ValidationError as error:
        raise JobError(problems_of(error, ModelSpec, "model")) from None
    located = locate(spec, start, FileDigests(), plugins.models)
    if located.problems:
        raise JobError(located.problems)
    options, missing = anchored(located.codec, start)
    if missing:
        raise JobError("; ".join(missing))
    name = str(options.get("name"))
    codec = plugins.codecs.build(name, {key: value for key, value in options.items() if key != "name"})
    part = located.found.part if located.found else None
    if wrong := unfit(codec, part, located.config, plugins.codecs):
        raise JobError(wrong)
    return located.spec.model_copy(update={"codec": options})


class LoadedModel:
    """A model held open. Calls may come from several threads; what they ask for at the same time is batched."""

    def __init__(self, spec: ModelSpec, sampling: Mapping[str, Any] | None, slots: int, plugins: Plugins) -> None:
        from valle_engine.opened import OpenModel  # noqa: PLC0415 - importing this module loads no torch

        self._plugins = plugins
        self._values: dict[str, Any] = {"model": spec.name}
        if sampling is not None:
            self._values["sampling"] = sampling
        self._chain(sampling or {})
        self._model = OpenModel(spec, None, slots, plugins)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="valle", daemon=True)
        self._thread.start()

    def say(self, text: str, voice: str | Path | None = None, language: str = "en", **options: Any) -> Clip:
        """Speak a text. `options` are `seed` and those of the task `tts`. Raises `ItemError`, `AudioError`."""
        result = self.run("tts", {"text": text, "voice": voice, "language": language}, **options)
        if result.clip is None:
            raise ItemError("the task gave no sound")
        return result.clip

    def stream(
        self, text: str, voice: str | Path | None = None, language: str = "en", **options: Any
    ) -> Iterator[Clip]:
        """The same, in pieces as soon as they can be heard; joined, they are what `say` gives."""
        task, item, kit = self._take("tts", {"text": text, "voice": voice, "language": language}, **options)
        if not isinstance(task, Streaming):
            raise JobError(f"the task {task.name!r} does not speak in pieces")
        pieces: queue.SimpleQueue[np.ndarray | Exception | None] = queue.SimpleQueue()
        producing = asyncio.run_coroutine_threadsafe(_produce(task, item, kit, pieces), self._loop)
        try:
            yield from self._model.codec.decode_stream(_arriving(pieces))
        finally:
            producing.cancel()

    def run(self, task: str, fields: Mapping[str, Any], **options: Any) -> Result:
        """Do any task to one item, given by its fields. Raises what the task raises, `JobError` for wrong options."""
        part, item, kit = self._take(task, fields, **options)
        returned = asyncio.run_coroutine_threadsafe(_run(part, item, kit), self._loop).result()
        return as_result(returned, task)

    def close(self) -> None:
        """Let go of the model."""
        asyncio.run_coroutine_threadsafe(self._model.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, task: str, fields: Mapping[str, Any], seed: int = 0, **options: Any) -> tuple[Task, Any, Kit]:
        presets = Presets.of({**self._values, "task": {"name": task, **options}}, self._plugins)
        part = self._plugins.tasks.build(task, {key: value for key, value in presets.task().items() if key != "name"})
        chain = self._chain(self._values.get("sampling") or presets.sampling())
        if wrong := part.check_job(chain, self._model.config):
            raise JobError("; ".join(wrong))
        said = {name: value for name, value in fields.items() if value is not None}
        given = {"id": ITEM, **_voiced(said, part.Item, Voices.of(presets.model))}
        try:
            item = part.Item.model_validate(given)
        except ValidationError as error:
            raise JobError(problems_of(error, part.Item, "item")) from None
        return part, item, Kit(Order(item.id, given, ""), seed, self._model.sampled(chain or None))

    def _chain(self, sampling: Mapping[str, Any]) -> tuple[Sampler, ...]:
        return tuple(self._plugins.samplers.build(name, options) for name, options in sampling.items())


def _voiced(fields: dict[str, Any], item: type[BaseItem], voices: Voices) -> dict[str, Any]:
    """The fields with the recording of the voice they name, or of the model's own where they name none."""
    given = {**voices.complete(item), **fields}
    if VOICE in path_fields(item) and isinstance(given.get(VOICE), str):
        path, wrong = voices.locate(VOICE, given[VOICE], Base(Path.cwd()))
        if wrong:
            raise JobError(wrong)
        given[VOICE] = path
    return given


async def _run(task: Task, item: Any, kit: Kit) -> Any:
    return await task.run(item, kit)


async def _produce(task: Streaming, item: Any, kit: Kit, pieces: queue.SimpleQueue[Any]) -> None:
    try:
        async for _, codes in task.pieces(item, kit):
            pieces.put(codes)
    except Exception as error:  # noqa: BLE001 - it is raised where the pieces are awaited
        pieces.put(error)
    else:
        pieces.put(None)


def _arriving(pieces: queue.SimpleQueue[Any]) -> Iterator[np.ndarray]:
    while (piece := pieces.get()) is not None:
        if isinstance(piece, Exception):
            raise piece
        yield piece
