"""What can be asked of the engine: plain data in, ids out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from valle_engine.errors import ItemError
from valle_engine.model.autoregressive import Autoregressive, autoregress, continuing, starting_text
from valle_engine.model.beam import search
from valle_engine.model.duration import MOST_DIGITS, predict_frames
from valle_engine.model.parallel import Demasking, Levels, Sketch, demask, refine
from valle_engine.model.sampling import stream
from valle_engine.model.sequences import Inputs

if TYPE_CHECKING:
    from torch import Tensor

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.process import Process

Ids: TypeAlias = "np.ndarray"
SEPARATORS = 8
"""Places of a sequence that are no ids, at most: for planning memory."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Context:
    """What was spoken before: its phonemes (n,) with the ids that begin and end them, and codes (frames, codebooks)."""

    phonemes: Ids
    codes: Ids


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Conditions:
    """What a sequence is conditioned on. Text is `phonemes`, or `text` as ids of characters.

    `prompt` is a voice's codes (frames, codebooks), or several with task tokens between them; None is no voice.
    """

    task: str = "tts"
    phonemes: Ids | None = None
    text: Ids | None = None
    language: int = 0
    prompt: Ids | tuple[Ids | str, ...] | None = None

    @property
    def places(self) -> int:
        """Places it takes in a sequence, at most."""
        parts = self.prompt if isinstance(self.prompt, tuple) else (self.prompt,)
        texts = sum(len(ids) for ids in (self.phonemes, self.text) if ids is not None)
        return SEPARATORS + texts + sum(1 if isinstance(part, str) else len(part) for part in parts if part is not None)

    def inputs(self, device: torch.device) -> Inputs:
        """As tensors."""
        parts = self.prompt if isinstance(self.prompt, tuple) or self.prompt is None else (self.prompt,)
        return Inputs(
            task=self.task,
            phonemes=_optional(self.phonemes, device),
            text=_optional(self.text, device),
            language=self.language,
            prompt=None
            if parts is None
            else tuple(part if isinstance(part, str) else _codes(part, device) for part in parts),
        )


class Request(ABC):
    """Something to be generated for one take of one item."""

    @abstractmethod
    def start(self, model: LanguageModel) -> Process[Any]:
        """Begin; the process returns the result."""

    @abstractmethod
    def cached_places(self) -> int:
        """Places whose keys and values are kept while it runs."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Speak(Request):
    """Codes (frames, levels) int64 of speech.

    Level 0 comes by `first`: step by step, or by demasking `frames` frames. `context` is what was spoken before;
    `continue_prompt` goes on from the prompt instead of imitating it; `source` (frames, codebooks) is a voice to
    convert, `draft` (frames, codebooks) codes to improve. What comes before is not part of the result.
    """

    conditions: Conditions
    first: Autoregressive | Demasking = field(default_factory=Autoregressive)
    rest: Levels = field(default_factory=Levels)
    seed: int = 0
    frames: int = 0
    context: Context | None = None
    continue_prompt: bool = False
    source: Ids | None = None
    draft: Ids | None = None

    def start(self, model: LanguageModel) -> Process[np.ndarray]:
        """Begin."""
        randomness = stream(self.seed)
        inputs = self.conditions.inputs(model.device)
        begun = self._begun(inputs, model.device)
        if isinstance(self.first, Autoregressive):
            if self.source is not None or self.draft is not None:
                raise ItemError("a voice to convert or a draft needs demasking: decode by it instead of step by step")
            known = begun if begun.response is not None else replace(begun, response=_no_frames(model.device))
            level = yield from decode(model, known, self.first, randomness)
        else:
            level = yield from demask(model, begun, self._sketch(model.device), self.first, randomness)
        if not len(level):
            return np.zeros((0, self.rest.last + 1), dtype=np.int64)
        codes = yield from refine(model, inputs, level[:, None], self.rest, randomness)
        return codes.cpu().numpy()

    def cached_places(self) -> int:
        """Places whose keys and values are kept while it runs."""
        if not isinstance(self.first, Autoregressive):
            return 0
        before = 0 if self.context is None else len(self.context.codes) + len(self.context.phonemes)
        drawn = self.first.max_tokens + len(self.first.lead)
        rows = 1 if self.first.guidance is None else 2
        return rows * self.first.beams * (self.conditions.places + before + drawn)

    def _sketch(self, device: torch.device) -> Sketch:
        voice, draft = (None if codes is None else _codes(codes, device)[:, 0] for codes in (self.source, self.draft))
        return Sketch(self.frames, voice, draft)

    def _begun(self, inputs: Inputs, device: torch.device) -> Inputs:
        """With what comes before the result as the response so far."""
        if self.context is None:
            return continuing(inputs) if self.continue_prompt else inputs
        if self.continue_prompt or inputs.phonemes is None:
            raise ItemError("a context goes with phonemes, and not with a prompt that is continued")
        before = _tensor(self.context.phonemes, device)
        phonemes = torch.cat([before[:-1], inputs.phonemes[1:]])
        return replace(inputs, phonemes=phonemes, response=_codes(self.context.codes, device)[:, 0])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Write(Request):
    """Ids (n,) int64 of a text: what speech says (`stt`), how text sounds (`phn`), what phonemes spell (`un-phn`)."""

    conditions: Conditions
    codes: Ids | None = None
    options: Autoregressive = field(default_factory=lambda: Autoregressive(samplers=None))
    seed: int = 0

    def start(self, model: LanguageModel) -> Process[np.ndarray]:
        """Begin."""
        inputs = self.conditions.inputs(model.device)
        if self.codes is not None:
            inputs = replace(inputs, response=_codes(self.codes, model.device))
        begun = starting_text(inputs, model.device)
        ids = yield from decode(model, begun, self.options, stream(self.seed))
        return ids.cpu().numpy()

    def cached_places(self) -> int:
        """Places whose keys and values are kept while it runs."""
        heard = 0 if self.codes is None else len(self.codes)
        return self.options.beams * (self.conditions.places + heard + self.options.max_tokens)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measure(Request):
    """Frames that the text will take when spoken."""

    conditions: Conditions

    def start(self, model: LanguageModel) -> Process[int]:
        """Begin."""
        frames = yield from predict_frames(model, self.conditions.inputs(model.device))
        return frames

    def cached_places(self) -> int:
        """Places whose keys and values are kept while it runs."""
        return self.conditions.places + MOST_DIGITS


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Refine(Request):
    """Codes (frames, last + 1) int64 that begin with given codes (frames, levels so far)."""

    conditions: Conditions
    codes: Ids
    options: Levels = field(default_factory=Levels)
    seed: int = 0

    def start(self, model: LanguageModel) -> Process[np.ndarray]:
        """Begin."""
        inputs = self.conditions.inputs(model.device)
        codes = _codes(self.codes, model.device)
        refined = yield from refine(model, inputs, codes, self.options, stream(self.seed))
        return refined.cpu().numpy()

    def cached_places(self) -> int:
        """Places whose keys and values are kept while it runs."""
        return 0


def decode(
    model: LanguageModel, inputs: Inputs, options: Autoregressive, randomness: np.random.Generator
) -> Process[Tensor]:
    """Ids (n,) int64 that follow the output `inputs` holds so far: drawn, or found by beam search."""
    if options.beams > 1:
        return search(model, inputs, options)
    return autoregress(model, inputs, options, randomness)


def _no_frames(device: torch.device) -> Tensor:
    return torch.empty(0, dtype=torch.int64, device=device)


def _optional(ids: Ids | None, device: torch.device) -> Tensor | None:
    return None if ids is None else _tensor(ids, device)


def _tensor(ids: Ids, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(ids, dtype=np.int64)).to(device)


def _codes(codes: Ids, device: torch.device) -> Tensor:
    """Codes as (frames, codebooks); one codebook may come flat."""
    flat = np.asarray(codes)
    if flat.ndim not in {1, 2} or not np.issubdtype(flat.dtype, np.integer):
        raise ItemError(f"codes are whole numbers (frames, codebooks), not {flat.dtype} of shape {flat.shape}")
    return _tensor(flat if flat.ndim == 2 else flat[:, None], device)
