"""What a worker lends a task while it works on one item."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from valle_engine.coder import Coder
    from valle_engine.decoding import Prompt, Spoken
    from valle_engine.keeping import Keeper
    from valle_engine.opened import OpenModel
    from valle_engine.records import Clip, Order, Stretch
    from valle_engine.text import Utterance

P = ParamSpec("P")
T = TypeVar("T")


def stream_seed(seed: int, item_id: str, attempt: int, part: int = 0) -> int:
    """Seed (128 bits) of the random stream that belongs to one take of one item, whatever runs beside it.

    A take that draws more than once gives each part a stream of its own.
    """
    key = f"{seed}:{item_id}:{attempt}" if part == 0 else f"{seed}:{item_id}:{attempt}:{part}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little")


class Kit:
    """The services of a worker, bound to one take of one item.

    Every service that is awaited counts as progress; a task that computes for long between them calls `progress`, or
    its item is taken for hung after `limits.deadline_seconds`. What several items ask for at the same time is worked
    together, and gives each the same as alone. Codes are (frames, codebooks) int64.
    """

    def __init__(
        self,
        order: Order,
        seed: int,
        model: OpenModel | None = None,
        coder: Coder | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.seed = stream_seed(seed, order.id, order.attempt)
        self.steps = 0
        self._stream = seed, order.id, order.attempt
        self._model = model
        self._coder = coder
        self._keeper = keeper

    def random(self) -> np.random.Generator:
        """A fresh generator at the start of this take's own random stream."""
        return np.random.default_rng(self.seed)

    def progress(self) -> None:
        """Say that the work advances; cheap enough to be called at every step."""
        self.steps += 1

    async def blocking(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run blocking code in a thread, so that the other items of this worker go on."""
        result = await asyncio.to_thread(function, *arguments, **options)
        self.progress()
        return result

    async def read(self, path: Path) -> Clip:
        """Read an audio file as one channel at its own rate. Raises `AudioError` for what cannot be trusted."""
        from valle_engine.audio import read_clip  # noqa: PLC0415 - soundfile is for workers only

        return await self.blocking(read_clip, path)

    @property
    def model(self) -> OpenModel:
        """The job's model. Raises `ItemError` where there is none."""
        if self._model is None:
            raise ItemError("there is no model here: a task that uses one says so with `needs_model = True`")
        return self._model

    @property
    def coder(self) -> Coder:
        """The codec: the job's own, or that of its model. Raises `ItemError` where there is neither."""
        if self._coder is None and self._model is None:
            raise ItemError("there is no codec here: a task that uses one says so with `needs_codec = True`")
        return self._coder or self.model.coder

    @property
    def frame_rate(self) -> int:
        """Frames of codes a second. Raises `ItemError` where there is no codec."""
        return self.coder.codec.frame_rate

    async def phonemes(self, text: str, language: str, pronunciations: Mapping[str, str] | None = None) -> Utterance:
        """Language, phonemes and ids of a text; `auto` detects the language. Raises `ItemError`, as for no text.

        `pronunciations` holds phonemes (IPA) of whole words in the text.
        """
        return await self.blocking(self.model.text.prepare, text, language, pronunciations)

    async def words(self, text: str, language: str) -> Utterance:
        """The same, of a text that may be empty: then of words that are not known."""
        return await self.phonemes(text, language) if text.strip() else self.phonetic("", language)

    def phonetic(self, phonemes: str, language: str) -> Utterance:
        """Phonemes (IPA) as they are given, with their ids. Raises `ItemError` for an unknown language."""
        return self.model.phonetic(phonemes, language)

    async def encode(self, path: Path) -> np.ndarray:
        """Codes of an audio file. Raises `AudioError`."""
        codes = await self.coder.encode_file(path)
        self.progress()
        return codes

    async def encode_clip(self, clip: Clip) -> np.ndarray:
        """Codes of sound in memory, whatever its rate. Raises `ItemError` for a clip without samples."""
        codes = await self.coder.encode(clip)
        self.progress()
        return codes

    async def prompt(self, path: Path, seconds: float) -> np.ndarray:
        """Codes of a voice, cut or repeated to `seconds`; 0 takes the file as it is. Raises `AudioError`."""
        from valle_engine.codecs.prompts import frames_of, repeated  # noqa: PLC0415 - for workers only

        codes = await self.encode(path)
        return repeated(codes, frames_of(seconds, self.frame_rate)) if seconds else codes

    async def decode(self, codes: np.ndarray) -> Clip:
        """Sound of codes."""
        clip = await self.coder.decode(codes)
        self.progress()
        return clip

    async def keep(self, data: bytes) -> Stretch:
        """Keep bytes in a file that this worker's items share; for results too many to have a file each.

        When it returns they are durable. Raises `ItemError` where there is no folder to keep them in.
        """
        if self._keeper is None:
            raise ItemError("there is no output folder here to keep anything in")
        stretch = await self._keeper.keep(data)
        self.progress()
        return stretch

    async def speak(self, spoken: Spoken, part: int = 0) -> np.ndarray:
        """Codes of speech, drawn from the stream of this `part` of the take. Raises `ItemError`, as for no frames."""
        if spoken.needs_length:
            spoken = spoken.lasting(await self.duration(spoken.said, spoken.prompt), self.frame_rate)
        request = self.model.speaking(spoken, stream_seed(*self._stream, part))
        codes: np.ndarray = await self._generated(request)
        if not len(codes):
            raise ItemError("the model ends before it says anything: try another seed, other samplers or another voice")
        return codes

    async def duration(self, said: Utterance, prompt: Prompt | None = None) -> int:
        """Frames that the model expects a text to take in the voice of a prompt."""
        return int(await self._generated(self.model.measuring(said, prompt)))

    async def transcribe(self, codes: np.ndarray, language: str, most: int, part: int = 0) -> Utterance:
        """What is said in codes, in at most `most` ids."""
        request = self.model.hearing(codes, language, most, stream_seed(*self._stream, part))
        return self.model.heard(await self._generated(request), language)

    async def sound_out(self, text: str, language: str, most: int) -> Utterance:
        """Phonemes of a text by the model itself, in at most `most` ids."""
        request = self.model.sounding(text, language, most, self.seed)
        return self.model.heard(await self._generated(request), language)

    async def spell(self, said: Utterance, most: int, part: int = 0) -> str:
        """The text that phonemes stand for, in at most `most` characters."""
        request = self.model.spelling(said, most, stream_seed(*self._stream, part))
        return self.model.spelled(await self._generated(request))

    async def _generated(self, request: Any) -> Any:
        result = await self.model.engine.generate(request, self.progress)
        self.progress()
        return result
