"""How fast a model is on this machine, beside what the machine could do at most: both measured in one run.

The work is that of a typical line: 59 phonemes and a prompt of 3 s in, 5 s of speech out. The weights' values do not
matter, so a checkpoint of random ones will do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import prepare
from valle_engine.model.guidance import Guidance
from valle_engine.model.layers import Linear
from valle_engine.model.parallel import Demasking, Levels
from valle_engine.model.requests import Conditions, Refine, Speak
from valle_engine.model.scheduler import Scheduler
from valle_engine.model.sequences import BOS, EOS
from valle_engine.parts import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.requests import Request

PHONEMES, PROMPT_SECONDS, SECONDS = 59, 3, 5
ROWS = (1, 4, 16, 64)
STEPS = 25
CACHES = 2**36
"""Bytes: as many rows as are asked for."""
WORTH = 1.2
"""A doubling of the slots that gives less than this is not worth the wait of each item."""
MANY_ROWS = 1024
READ_BYTES = 2**28


class Endless(Sampler):
    """Never stop, so that every row is as long as the others."""

    name: ClassVar[str] = "endless"

    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:  # noqa: ARG002 - a chain gives all
        """Rule the last id out, which stops."""
        kept = logits.clone()
        kept[:, -1] = float("-inf")
        return kept


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine does at most, on as many threads as the model: operations and bytes a second."""

    flops: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Steps:
    """A step of so many rows at once, `linears` what its linear layers take alone: medians."""

    rows: int
    seconds: float
    linears: float

    @property
    def frames_per_second(self) -> float:
        """Frames of all rows together."""
        return self.rows / self.seconds

    @property
    def ratio(self) -> float:
        """A step against its linear layers alone; 1 is the limit."""
        return self.seconds / self.linears


@dataclass(frozen=True, slots=True)
class Passes:
    """All frames of an utterance at once: the levels above the first, or demasking; `flops` of its linear layers."""

    seconds: float
    flops: float
    frames: int

    @property
    def frames_per_second(self) -> float:
        """Frames of one utterance a second."""
        return self.frames / self.seconds


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured."""

    dtype: str
    device: str
    threads: int
    frame_rate: int
    parameters: int
    machine: Machine
    steps: tuple[Steps, ...]
    levels: Passes
    demasking: Passes

    def real_time(self, steps: Steps) -> float:
        """Seconds of speech made in a second by `ar` with so many rows, finer levels included."""
        return 1 / (self.frame_rate * (1 / steps.frames_per_second + 1 / self.levels.frames_per_second))

    @property
    def real_time_demasked(self) -> float:
        """Seconds of speech made in a second by `nar-len`."""
        return self.demasking.frames / self.frame_rate / (self.demasking.seconds + self.levels.seconds)

    def share(self, passes: Passes) -> float:
        """Share of the machine's matrix rate that passes reach."""
        return passes.flops / passes.seconds / self.machine.flops

    @property
    def slots(self) -> int:
        """Rows at a time that are worth having."""
        for fewer, more in pairwise(self.steps):
            doublings = np.log2(more.rows / fewer.rows)
            if self.real_time(more) < self.real_time(fewer) * WORTH**doublings:
                return fewer.rows
        return self.steps[-1].rows

    def facts(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "dtype": self.dtype,
            "device": self.device,
            "threads": self.threads,
            "frame_rate": self.frame_rate,
            "parameters": self.parameters,
            "gflops": self.machine.flops / 1e9,
            "gigabytes_per_second": self.machine.bytes / 1e9,
            "ar": [
                {
                    "rows": each.rows,
                    "step_ms": each.seconds * 1e3,
                    "linears_ms": each.linears * 1e3,
                    "ratio": each.ratio,
                    "frames_per_second": each.frames_per_second,
                    "real_time": self.real_time(each),
                }
                for each in self.steps
            ],
            "levels": self._passes(self.levels),
            "demasking": self._passes(self.demasking) | {"steps": STEPS, "real_time": self.real_time_demasked},
            "slots": self.slots,
        }

    def _passes(self, passes: Passes) -> dict[str, Any]:
        return {
            "seconds": passes.seconds,
            "frames_per_second": passes.frames_per_second,
            "share_of_matrix_rate": self.share(passes),
        }


def measure(
    model: LanguageModel,
    frame_rate: int,
    rows: Sequence[int] = ROWS,
    frames: int | None = None,
    said: Callable[[str], None] = print,
) -> Report:
    """Measure a model, which is prepared for it; `frames` each row, 5 s by default. `said` is told what is going on."""
    prepare(model)
    frames = frames or SECONDS * frame_rate
    bench = _Bench(model, frames, PROMPT_SECONDS * frame_rate)
    steps = []
    for count in rows:
        said(f"{count} rows, {frames} frames each")
        steps.append(Steps(count, bench.step(count), bench.linears(count)))
    said(f"levels 1 to {model.config.levels - 1}")
    levels = bench.passes(bench.refining(), model.config.levels - 1)
    said(f"demasking in {STEPS} steps, with guidance")
    demasking = bench.passes(bench.demasking(), 2 * STEPS)
    return Report(
        str(model.dtype).removeprefix("torch."),
        str(model.device),
        torch.get_num_threads(),
        frame_rate,
        bench.parameters,
        bench.machine(),
        tuple(steps),
        levels,
        demasking,
    )


class _Bench:
    """The measurements of one model."""

    def __init__(self, model: LanguageModel, frames: int, prompt: int) -> None:
        self._model = model
        self._frames = frames
        self._prompt = prompt
        self._random = np.random.default_rng(0)
        layers = model.get_submodule("model.layers")
        self._body = [module for module in layers.modules() if isinstance(module, Linear)]
        self.parameters = sum(linear.in_features * linear.out_features for linear in self._body)

    def step(self, rows: int) -> float:
        """Seconds of a step of so many rows, all of them past their first look at the prompt."""
        scheduler = Scheduler(self._model, rows, CACHES)
        seen = [0] * rows
        for row in range(rows):
            scheduler.submit(row, self._speaking(), _Counter(seen, row))
        while min(seen) < 2:
            scheduler.round()
        times, began = [], self._now()
        while not scheduler.round():
            times.append(self._now() - began)
            began = self._now()
        scheduler.keep(())
        return float(np.median(times))

    def linears(self, rows: int) -> float:
        """Seconds that the linear layers of the body take by themselves."""
        return float(np.median(self._linear_times(rows, repeats=15)))

    @torch.inference_mode()
    def _linear_times(self, rows: int, repeats: int) -> list[float]:
        inputs = {size: self._noise(rows, size) for size in {linear.in_features for linear in self._body}}
        times = []
        for _ in range(repeats):
            began = self._now()
            for linear in self._body:
                linear(inputs[linear.in_features])
            times.append(self._now() - began)
        return times

    def machine(self) -> Machine:
        """The matrix rate of many rows, and how fast memory is read: the best of a few times."""
        seconds = min(self._linear_times(MANY_ROWS, repeats=4))
        block = torch.ones(READ_BYTES // 4, device=self._model.device)
        times = []
        for _ in range(5):
            began = self._now()
            block.sum()
            times.append(self._now() - began)
        return Machine(2 * self.parameters * MANY_ROWS / seconds, READ_BYTES / min(times))

    def passes(self, request: Request, count: int) -> Passes:
        """One request from its start to its end, in so many passes over the whole sequence."""
        scheduler = Scheduler(self._model, 1, CACHES)
        scheduler.submit(0, request)
        began = self._now()
        while scheduler.busy:
            scheduler.round()
        places = self._conditions().places + self._frames
        return Passes(self._now() - began, 2.0 * self.parameters * places * count, self._frames)

    def refining(self) -> Refine:
        """The levels above the first of one utterance."""
        return Refine(conditions=self._conditions(), codes=self._codes(self._frames)[:, :1])

    def demasking(self) -> Speak:
        """The first level of one utterance, all frames at once."""
        first = Demasking(STEPS, guidance=Guidance(2.5, 0.75))
        return Speak(conditions=self._conditions(), first=first, rest=Levels(0), frames=self._frames)

    def _speaking(self) -> Speak:
        first = Autoregressive(self._frames, (Endless(),))
        return Speak(conditions=self._conditions(), first=first, rest=Levels(0))

    def _conditions(self) -> Conditions:
        text = self._random.integers(4, self._model.config.phonemes, PHONEMES - 2)
        return Conditions(phonemes=np.array([BOS, *text, EOS]), prompt=self._codes(self._prompt))

    def _codes(self, frames: int) -> np.ndarray:
        config = self._model.config
        return self._random.integers(0, config.codes, (frames, config.levels))

    def _noise(self, rows: int, size: int) -> Tensor:
        return torch.randn(rows, size, device=self._model.device).to(self._model.dtype)

    def _now(self) -> float:
        if self._model.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


@dataclass(frozen=True, slots=True)
class _Counter:
    """Counts how often a row has got on."""

    seen: list[int]
    row: int

    def __call__(self) -> None:
        self.seen[self.row] += 1
