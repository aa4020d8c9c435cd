"""The kit for plugin authors: run a task without workers, hold a part against its contract, a codec without weights.

The checks raise `ContractError`, an `AssertionError`, so that they stand in a test as they are.
"""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import orjson

from valle_engine.keeping import Keeper
from valle_engine.kit import Kit
from valle_engine.parts import BaseItem, Codec, OpenCodec, Part, Row, Sampler, Scorer, Source, Take, Task
from valle_engine.records import Clip, Order, Outcome, OutputFile, Result
from valle_engine.worker import as_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from valle_engine.coder import Coder
    from valle_engine.opened import OpenModel

_PROBE = """
import importlib.metadata, sys
from valle_engine.plugins import load_plugins
entry_point = importlib.metadata.EntryPoint("plugin", sys.argv[1], "valle_engine")
[report] = load_plugins([entry_point]).reports
heavy = sorted({"torch", "ray"} & set(sys.modules))
sys.exit(report.problem or (f"importing it loads {' and '.join(heavy)}" if heavy else 0))
"""


class ContractError(AssertionError):
    """A part that does not keep what the engine relies on."""


def run_task(  # noqa: PLR0913 - by name, what a worker would lend
    task: Task,
    fields: Mapping[str, Any],
    *,
    seed: int = 0,
    attempt: int = 0,
    model: OpenModel | None = None,
    codec: Codec | None = None,
) -> Result:
    """Do one item as a worker would, without one. `fields` may leave out the `id`.

    `model` and `codec` are what the kit lends; what the task keeps is forgotten.

    Raises whatever the task raises, `ItemError` for a result that a worker would not take, and pydantic's
    `ValidationError` for fields that the task's items do not take.
    """
    item = task.Item.model_validate({"id": "item", **fields})
    order = Order(item.id, fields, fingerprint="", attempt=attempt)
    with closing(Keeper(_Nowhere(), "nowhere")) as keeper, ExitStack() as stack:
        coder = stack.enter_context(closing(_coder(codec))) if codec else None
        kit = Kit(order, seed, model, coder, keeper)
        return as_result(asyncio.run(task.run(item, kit)), task.name)


class _Nowhere:
    """Takes what a task keeps, and forgets it."""

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:  # noqa: ARG002 - there is no file
        return [0] * len(pieces)


def _coder(codec: Codec) -> Coder:
    from valle_engine.coder import Coder  # noqa: PLC0415 - it loads torch

    return Coder(codec, "cpu")


def take_of(fields: Mapping[str, Any], result: Result, folder: Path) -> Take:
    """A take for a scorer to judge; its sound, if it has one, is written into a folder as a WAV file."""
    item_id = str(fields.get("id", "item"))
    outcome = Outcome(item_id, "done", fingerprint="", values=result.values)
    if result.clip is None:
        return Take(fields, outcome, None)
    from valle_engine.audio import encode_clip  # noqa: PLC0415 - soundfile loads when there is sound to write

    data = encode_clip(result.clip, "wav")
    path = folder / f"{item_id}.wav"
    path.write_bytes(data)
    file = OutputFile(path.name, len(data), "", len(result.clip.samples), result.clip.rate)
    return Take(fields, Outcome(item_id, "done", fingerprint="", file=file, values=result.values), path)


def check_plugin(module: str) -> None:
    """A plugin's module loads as a plugin, by its hooks, and its import loads neither torch nor ray."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _PROBE, module]
    told = subprocess.run(  # noqa: S603 - this interpreter, and a name that is never interpreted by a shell
        command, capture_output=True, text=True, env=environment, check=False
    )
    _hold(told.returncode == 0, f"plugin {module}: {told.stderr.strip()}")


def check_part(part: Part) -> None:
    """A part has a name, says what it and its options are, is frozen, and survives the way to a worker."""
    kind = type(part)
    _hold(isinstance(getattr(kind, "name", None), str) and kind.name != "", f"{kind.__name__} has no `name`")
    _hold(bool(kind.__doc__), f"{kind.name}: the class has no docstring, which is its help text")
    _hold(kind.model_config.get("frozen") is True, f"{kind.name}: a part must stay frozen")
    _hold(kind.model_config.get("extra") == "forbid", f"{kind.name}: a part must refuse unknown options")
    for name, field in kind.model_fields.items():
        _hold(bool(field.description), f"{kind.name}: option {name!r} has no description")
    again = kind.model_validate(part.model_dump(mode="json"))
    _hold(again == part, f"{kind.name}: options change on their way to a worker: {part!r} becomes {again!r}")


def check_task(
    task: Task, fields: Mapping[str, Any], *, model: OpenModel | None = None, codec: Codec | None = None
) -> None:
    """A task and its items are what jobs need, and the same seed gives the same result."""
    check_part(task)
    kind = task.Item
    _hold(isinstance(kind, type) and issubclass(kind, BaseItem), f"{task.name}: `Item` is no BaseItem")
    _hold(kind.model_config.get("frozen") is True, f"{task.name}: items must stay frozen")
    item = kind.model_validate({"id": "item", **fields})
    again = kind.model_validate(item.model_dump(mode="json"))
    _hold(again == item, f"{task.name}: an item changes on its way to a worker: {item!r} becomes {again!r}")
    seconds = task.expected_seconds(item)
    _hold(math.isfinite(seconds) and seconds >= 0, f"{task.name}: expected_seconds is {seconds}")
    first, second = (run_task(task, fields, seed=7, model=model, codec=codec) for _ in range(2))
    if first.clip:
        _check_clip(first.clip, task.name)
    _hold(_same(first, second), f"{task.name}: one seed gave two results; draw from `kit.random()` only")


def check_sampler(sampler: Sampler, vocabulary: int = 64) -> None:
    """A sampler reshapes each row by that row alone, leaves a token in it, and does not draw."""
    import torch  # noqa: PLC0415 - only those who have a sampler to check load it

    check_part(sampler)
    source = torch.Generator().manual_seed(7)
    logits = torch.randn(5, vocabulary, generator=source) * torch.tensor([0.1, 1.0, 3.0, 10.0, 30.0])[:, None]
    logits[2, ::3] = float("-inf")
    history = [torch.randint(0, vocabulary, (3 * row,), generator=source) for row in range(5)]
    given = logits.clone(), [past.clone() for past in history]
    shaped = _applied(sampler, logits, history)
    name = sampler.name
    untouched = torch.equal(logits, given[0]) and all(map(torch.equal, history, given[1]))
    _hold(untouched, f"{name}: it changes its input")
    _hold(shaped.shape == logits.shape and shaped.dtype == logits.dtype, f"{name}: shape or type is not the input's")
    _hold(not bool((shaped.isnan() | shaped.isposinf()).any()), f"{name}: a logit is not a number, or infinite")
    _hold(bool(shaped.isfinite().any(dim=-1).all()), f"{name}: a row has no token left")
    _hold(not bool((shaped.isfinite() & logits.isneginf()).any()), f"{name}: it revives a token that was ruled out")
    _hold(torch.equal(_applied(sampler, logits, history), shaped), f"{name}: the same input gave two results")
    for row in range(len(logits)):
        alone = _applied(sampler, logits[row : row + 1], history[row : row + 1])
        _hold(torch.equal(alone[0], shaped[row]), f"{name}: a row's result depends on the rows beside it")


def check_scorer(scorer: Scorer, takes: Sequence[Take]) -> None:
    """A scorer gives its figure for every take, the same alone and among others."""
    check_part(scorer)
    _hold(scorer.better in {"lower", "higher"}, f"{scorer.name}: `better` is 'lower' or 'higher'")
    together = scorer.score(takes)
    _hold(len(together) == len(takes), f"{scorer.name}: {len(together)} scores of {len(takes)} takes")
    for take, figures in zip(takes, together, strict=True):
        finite = all(math.isfinite(figure) for figure in figures.values())
        _hold(finite, f"{scorer.name}: a figure of {take.outcome.id} is no finite number: {dict(figures)}")
        _hold(scorer.name in figures, f"{scorer.name}: no figure of that name for a gate to judge: {dict(figures)}")
        [alone] = scorer.score([take])
        _hold(dict(alone) == dict(figures), f"{scorer.name}: {take.outcome.id} scores otherwise beside others")


def check_source(source: Source) -> None:
    """A source streams rows of plain values, the same ones each time it is read."""
    check_part(source)
    _hold(isinstance(source.rows(), Iterator), f"{source.name}: `rows` does not stream; use `yield`")
    _hold(bool(source.place()), f"{source.name}: `place` says nothing")
    first, second = list(source.rows()), list(source.rows())
    _hold(first == second, f"{source.name}: it gives other rows when it is read again")
    for row in first:
        _hold(isinstance(row, Row) and row.line >= 0, f"{source.name}: {row!r} is no row")
        _hold(bool(row.fields or row.problem), f"{source.name}: row {row.line} has neither fields nor a problem")
        try:
            orjson.dumps(dict(row.fields))
        except TypeError as error:
            _fail(f"{source.name}: row {row.line} holds what is no plain value: {error}")


class FakeCodec(Codec):
    """A codec without weights: each code is one sample in 256 steps, so a round trip loses next to nothing."""

    name: ClassVar[str] = "fake"
    sample_rate: ClassVar[int] = 8000
    frame_rate: ClassVar[int] = 1000
    codebooks: ClassVar[int] = 8
    codebook_size: ClassVar[int] = 256

    def open(self, device: str) -> OpenFakeCodec:  # noqa: ARG002 - there is nothing to put on a device
        """Open it; any device will do."""
        return OpenFakeCodec()


class OpenFakeCodec(OpenCodec):
    """The fake codec at work; the last frame is filled up with silence."""

    def encode(self, clips: Sequence[Clip]) -> list[np.ndarray]:
        """Codes (frames, 8) int64 of each clip, brought to 8 kHz by straight lines between its samples."""
        return [_codes(clip) for clip in clips]

    def decode(self, codes: Sequence[np.ndarray]) -> list[Clip]:
        """The clip of each array of codes (frames, 8)."""
        return [Clip((each.reshape(-1) / 127.5 - 1).astype(np.float32), FakeCodec.sample_rate) for each in codes]


def _codes(clip: Clip) -> np.ndarray:
    times = np.arange(math.ceil(clip.seconds * FakeCodec.sample_rate)) / FakeCodec.sample_rate
    samples = np.interp(times, np.arange(len(clip.samples)) / clip.rate, clip.samples)
    filled = np.pad(samples, (0, -len(samples) % FakeCodec.codebooks))
    codes: np.ndarray = np.rint((filled.clip(-1, 1) + 1) * 127.5).astype(np.int64)
    return codes.reshape(-1, FakeCodec.codebooks)


def _applied(sampler: Sampler, logits: Tensor, history: Sequence[Tensor]) -> Tensor:
    return sampler(logits, history, [sampler.new_state() for _ in history])


def _check_clip(clip: Clip, task: str) -> None:
    samples = clip.samples
    _hold(samples.ndim == 1 and samples.dtype == np.float32, f"{task}: samples are (n,) float32, one channel")
    _hold(bool(np.isfinite(samples).all() and (np.abs(samples) <= 1).all()), f"{task}: samples lie outside [-1, 1]")
    _hold(clip.rate > 0, f"{task}: the rate is {clip.rate} Hz")


def _same(first: Result, second: Result) -> bool:
    if dict(first.values) != dict(second.values) or (first.clip is None) != (second.clip is None):
        return False
    if first.clip is None or second.clip is None:
        return True
    return first.clip.rate == second.clip.rate and np.array_equal(first.clip.samples, second.clip.samples)


def _hold(kept: bool, otherwise: str) -> None:  # noqa: FBT001 - it is an assertion
    if not kept:
        _fail(otherwise)


def _fail(message: str) -> NoReturn:
    raise ContractError(message)
