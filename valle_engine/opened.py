"""A model at work in a worker: weights, codec, text front end and decode engine, opened once."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from valle_engine.coder import Coder, choose_device
from valle_engine.errors import CheckpointError, ItemError
from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.chains import Chains
from valle_engine.model.engine import DecodeEngine, choose_dtype
from valle_engine.model.guidance import Guidance
from valle_engine.model.hub import load
from valle_engine.model.lora import attach, read_lora
from valle_engine.model.names import codec_of, find_model, unfit
from valle_engine.model.parallel import Demasking, Levels
from valle_engine.model.requests import Conditions, Context, Measure, Speak, Write
from valle_engine.text import TextFrontEnd, Tokenizer, Utterance, find_language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.decoding import Prompt, Spoken
    from valle_engine.model.checkpoint import Checkpoint
    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.lora import LoraFile
    from valle_engine.model.requests import Ids
    from valle_engine.modelspec import LoraSpec, ModelSpec
    from valle_engine.parts import Codec, Sampler
    from valle_engine.plugins import Plugins

CHARACTERS = "text_tokenizer.json"
"""The tokenizer of raw text, beside the weights."""


class OpenModel:
    """A model with its codec, ready for many coroutines.

    `chain` holds the job's samplers; None, when it names none, draws speech from the model as it is and takes the best
    token of a text. Raises `CheckpointError`.
    """

    def __init__(self, spec: ModelSpec, chain: tuple[Sampler, ...] | None, slots: int, plugins: Plugins) -> None:
        # One thread: workers share the cores, and a sum's bits depend on how it is split.
        torch.set_num_threads(1)
        device = choose_device(spec.device)
        checkpoint = load(spec.name, plugins.models, sha256=spec.sha256)
        model = checkpoint.model(choose_dtype(spec.precision, device), device)
        _adapt(model, spec.lora)
        self.config = checkpoint.config
        self.engine = DecodeEngine(model, slots)
        codec = codec_for(spec, checkpoint, plugins)
        self.frame_rate = codec.frame_rate
        self.coder = Coder(codec, device)
        self.codec = self.coder.opened
        self._tokenizer = tokenizer_of(checkpoint)
        self._characters = checkpoint.path.with_name(CHARACTERS)
        self.text = TextFrontEnd(self._tokenizer)
        self._chains = Chains(chain, plugins.samplers)
        self.encode = self.coder.encode_file
        self.decode = self.coder.decode

    def speaking(self, spoken: Spoken, seed: int) -> Speak:
        """The request for speech. Raises `ItemError` for sampling that the job's samplers do not have."""
        how, conditions = spoken.how, _conditions(spoken.said, spoken.prompt, spoken.task)
        coarse = self._chains.varied(spoken.sampling)
        guidance = None if how.strength == 1 else Guidance(how.strength, how.rescale)
        most = how.max_frames(self.frame_rate) if spoken.frames is None else spoken.frames
        first: Autoregressive | Demasking = Autoregressive(most, coarse, guidance, beams=how.beams)
        if how.decoding == "nar-len":
            first = Demasking(how.steps, coarse, how.temperature, guidance=guidance, voice_end=self.frame_rate)
        fine = tuple(sampler for sampler in coarse if not sampler.sequential) if how.sample_levels else None
        return Speak(
            conditions=conditions,
            first=first,
            rest=Levels(self.config.levels - 1, fine),
            seed=seed,
            frames=spoken.frames or 0,
            context=_context(spoken.before),
            continue_prompt=spoken.goes_on,
            source=spoken.source,
        )

    def measuring(self, said: Utterance, prompt: Prompt | None) -> Measure:
        """The request for a duration."""
        return Measure(conditions=_conditions(said, prompt))

    def hearing(self, codes: Ids, language: str, most: int, seed: int) -> Write:
        """The request for what is said in codes."""
        conditions = Conditions(task="stt", language=find_language(language).id)
        return Write(conditions=conditions, codes=codes, options=self._writing(most), seed=seed)

    def sounding(self, text: str, language: str, most: int, seed: int) -> Write:
        """The request for a text's phonemes. Raises `ItemError` where the model reads no text."""
        ids = self._character_tokenizer().encode(text)
        conditions = Conditions(task="phn", text=ids, language=find_language(language).id)
        return Write(conditions=conditions, options=self._writing(most), seed=seed)

    def spelling(self, said: Utterance, most: int, seed: int) -> Write:
        """The request for the text of phonemes. Raises `ItemError` where the model writes no text."""
        self._character_tokenizer()
        return Write(conditions=_conditions(said, None, "un-phn"), options=self._writing(most), seed=seed)

    def phonetic(self, phonemes: str, language: str) -> Utterance:
        """Phonemes (IPA) as they are given, with their ids."""
        return Utterance(find_language(language), phonemes, self._tokenizer.encode(phonemes))

    def heard(self, ids: Ids, language: str) -> Utterance:
        """Ids that the model wrote, as an utterance."""
        return self.phonetic(self._tokenizer.decode(ids).strip(), language)

    def spelled(self, ids: Ids) -> str:
        """Characters that the model wrote, as a text."""
        return self._character_tokenizer().decode(ids).strip()

    def sampled(self, chain: tuple[Sampler, ...] | None) -> OpenModel:
        """The same model at work, drawing by other samplers; it is closed with this one."""
        other = copy(self)
        other._chains = self._chains.of(chain)  # noqa: SLF001 - its own
        return other

    async def close(self) -> None:
        """Stop its threads."""
        await self.engine.close()
        self.coder.close()

    def _writing(self, most: int) -> Autoregressive:
        return Autoregressive(most, self._chains.chain)

    def _character_tokenizer(self) -> Tokenizer:
        if not self._characters.is_file():
            raise ItemError(f"the model reads and writes no text: {self._characters} is missing")
        return _character_tokenizer(self._characters)


@cache
def _character_tokenizer(path: Path) -> Tokenizer:
    return Tokenizer.from_file(path)


def _conditions(said: Utterance, prompt: Prompt | None, task: str = "tts") -> Conditions:
    return Conditions(task=task, phonemes=said.ids, language=said.language.id, prompt=prompt)


def _context(before: Sequence[tuple[Utterance, Ids]]) -> Context | None:
    """What was spoken before as one piece: the ids that begin and end it stand at its ends only."""
    if not before:
        return None
    inner = [utterance.ids[1:-1] for utterance, _ in before]
    first = before[0][0].ids
    phonemes = np.concatenate([first[:1], *inner, first[-1:]])
    return Context(phonemes=phonemes, codes=np.concatenate([codes for _, codes in before]))


def _adapt(model: LanguageModel, adapters: Sequence[LoraSpec]) -> None:
    files = [(_adapter(lora), lora.weight) for lora in adapters]
    attach(model, files)


def _adapter(lora: LoraSpec) -> LoraFile:
    file = read_lora(Path(lora.path))
    return file if lora.levels is None else replace(file, levels=frozenset(lora.levels))


def tokenizer_of(checkpoint: Checkpoint) -> Tokenizer:
    """The tokenizer of a checkpoint's phonemes, beside it or in it. Raises `CheckpointError` for one without."""
    if checkpoint.tokenizer is not None:
        return Tokenizer.from_file(checkpoint.tokenizer)
    if not checkpoint.vocabulary:
        raise CheckpointError(f"{checkpoint.path}: no tokenizer inside, and no tokenizer.json beside it")
    return Tokenizer.from_symbols(checkpoint.vocabulary)


def codec_for(spec: ModelSpec, checkpoint: Checkpoint, plugins: Plugins) -> Codec:
    """The codec whose codes a model speaks, not opened yet. Raises `CheckpointError` for one that does not fit it."""
    part = find_model(spec.name, plugins.models).part
    options = dict(codec_of(spec, part, checkpoint.config))
    codec = plugins.codecs.build(options.pop("name"), options)
    if wrong := unfit(codec, part, checkpoint.config, plugins.codecs):
        raise CheckpointError(f"{checkpoint.path}: {wrong}")
    return codec
