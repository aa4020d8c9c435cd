"""Deciding all frames of a codebook at once: the levels above the first, and the first by demasking."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from valle_engine.errors import ItemError
from valle_engine.model.guidance import Guidance, guide
from valle_engine.model.language_model import LanguageModel, Pass
from valle_engine.model.process import see
from valle_engine.model.sampling import best, pick, shape_frames
from valle_engine.model.sequences import Inputs, without_conditions

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from valle_engine.model.process import Process
    from valle_engine.model.sampling import Chain


@dataclass(frozen=True, slots=True)
class Levels:
    """How to decide the levels above the first: up to level `last`, the best token each unless `samplers` are given."""

    last: int = 7
    samplers: Chain = None
    guidance: Guidance | None = None


@dataclass(frozen=True, slots=True)
class Demasking:
    """How to decide level 0 by demasking (arXiv:2202.04200), in `steps` steps over the time from `start` to `end`.

    `temperature` falls to zero with time when `annealed`; 0 takes the best token. With `masked_only` a decided frame is
    never doubted again; `remask` masks a little more at each step. A voice to convert is kept in part until the time
    `voice_until`: each of its frames is masked with probability `voice_masked`, the last `voice_end` always.
    """

    steps: int = 25
    samplers: Chain = ()
    temperature: float = 0.0
    annealed: bool = True
    guidance: Guidance | None = field(default_factory=lambda: Guidance(strength=2.5, rescale=0.75))
    start: float = 0.0
    end: float = 1.0
    masked_only: bool = False
    remask: bool = False
    voice_until: float = 0.25
    voice_masked: float = 0.25
    voice_end: int = 75


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What demasking begins from: a number of frames, the first codebook (frames,) of a voice to convert or a draft.

    Of a draft's frames, as many as would be masked at the time `start` are doubted by chance.
    """

    frames: int
    voice: Tensor | None = None
    draft: Tensor | None = None

    def check(self) -> None:
        """Raise `ItemError` for no frames, or codes of another length."""
        if self.frames < 1:
            raise ItemError(f"cannot demask {self.frames} frames: at least one is needed")
        for codes in (self.voice, self.draft):
            if codes is not None and len(codes) != self.frames:
                raise ItemError(f"cannot demask {self.frames} frames: the codes to begin from have {len(codes)}")


def refine(
    model: LanguageModel, inputs: Inputs, codes: Tensor, options: Levels, randomness: np.random.Generator
) -> Process[Tensor]:
    """Codes (frames, last + 1) that begin with the given codes (frames, levels so far)."""
    while codes.shape[1] <= options.last:
        aimed = replace(inputs, response=codes, level=codes.shape[1], masked=False)
        logits = yield from _frame_logits(model, aimed, len(codes), options.guidance)
        shaped = shape_frames(logits, options.samplers)
        level = best(shaped) if options.samplers is None else pick(shaped, randomness.random(len(codes)))
        codes = torch.cat([codes, level[:, None]], dim=1)
    return codes


def demask(
    model: LanguageModel, inputs: Inputs, sketch: Sketch, options: Demasking, randomness: np.random.Generator
) -> Process[Tensor]:
    """Level 0 of the sketch's frames, (frames,) int64; what `inputs` has as response comes before and stays."""
    sketch.check()
    canvas = Canvas(sketch.frames, model.config.mask_code, model.device)
    if sketch.draft is not None:
        canvas.begin_from(sketch.draft, randomness.random(sketch.frames) < math.cos(math.pi / 2 * options.start))
    before = inputs.response if inputs.response is not None else canvas.ids[:0]
    for step, time in enumerate(_times(options)):
        canvas.mask(_masked_count(options, time, sketch.frames, step))
        if sketch.voice is not None and time < options.voice_until:
            lost = randomness.random(sketch.frames) < options.voice_masked
            lost[-options.voice_end :] = True
            canvas.borrow(sketch.voice, lost)
        aimed = replace(inputs, response=torch.cat([before, canvas.ids]), level=0, masked=True)
        logits = yield from _frame_logits(model, aimed, sketch.frames, options.guidance)
        canvas.decide(shape_frames(logits, options.samplers), options, time, randomness)
    return canvas.ids


class Canvas:
    """Frames that are decided little by little: ids, and how sure the model was of each."""

    def __init__(self, frames: int, mask: int, device: torch.device) -> None:
        self.ids = torch.full((frames,), mask, device=device)
        self._mask = mask
        self._sureness = torch.ones(frames, device=device)
        self._open = self.ids == mask

    def begin_from(self, codes: Tensor, doubted: np.ndarray) -> None:
        """Start from known codes (frames,), of which some (frames,) bool are doubted."""
        self.ids, self._sureness = codes, torch.from_numpy(~doubted).to(codes.device).float()

    def mask(self, count: int) -> None:
        """Open the `count` frames that are least sure; of equals the earlier ones."""
        least = self._sureness.sort(stable=True).indices[:count]
        self._open = torch.zeros_like(self._open).scatter(0, least, value=True)
        self.ids = self.ids.masked_fill(self._open, self._mask)

    def borrow(self, codes: Tensor, lost: np.ndarray) -> None:
        """Show the open frames codes (frames,) of another voice instead of masks, except those that are lost."""
        shown = self._open & torch.from_numpy(~lost).to(codes.device)
        self.ids = codes.where(shown, self.ids)

    def decide(self, logits: Tensor, options: Demasking, time: float, randomness: np.random.Generator) -> None:
        """Fill the open frames by logits (frames, codes)."""
        temperature = options.temperature * (1 - time if options.annealed else 1)
        top = best(logits)
        # The last step's temperature is a rounding error above zero: that is the best token, not a draw.
        warm = temperature > 1e-6
        drawn = pick(logits / temperature, randomness.random(len(logits))) if warm else top
        self.ids = drawn.where(self._open, self.ids)
        self._sureness = logits.softmax(dim=-1).gather(1, top[:, None]).squeeze(1)
        if options.masked_only:
            self._sureness = self._sureness.where(self._open, 1.0)


def _frame_logits(model: LanguageModel, inputs: Inputs, frames: int, guidance: Guidance | None) -> Process[Tensor]:
    """Logits (frames, codes) of the last frames of the response, guided if asked for."""
    wanted = [inputs] if guidance is None else [inputs, without_conditions(inputs, model.device)]
    seen = yield from see([_whole(model, each, frames) for each in wanted])
    return seen[0] if guidance is None else guide(guidance, *seen)


def _whole(model: LanguageModel, inputs: Inputs, rows: int) -> Pass:
    embedded = model.embed(inputs)
    layout = embedded.plan
    return Pass(embedded.embeddings, layout.positions(), layout.head, rows, layout.causal, embedded.level)


def _count_steps(options: Demasking) -> int:
    # 0.2 of five steps is one step, whatever binary fractions make of it.
    return math.floor(options.steps * (options.end - options.start) + 1e-9)


def _times(options: Demasking) -> list[float]:
    steps = _count_steps(options)
    if steps < 1:
        raise ItemError(f"demasking from {options.start} to {options.end} in {options.steps} steps leaves no step")
    return [float(time) for time in torch.linspace(options.start, options.end, steps)]


def _masked_count(options: Demasking, time: float, frames: int, step: int) -> int:
    """Frames to open: the cosine schedule, at least one, at most those that earlier steps have not settled."""
    share = math.cos(math.pi / 2 * time) + (1 / (2 * _count_steps(options)) if options.remask else 0)
    return max(1, min(int(share * frames), frames - step))
