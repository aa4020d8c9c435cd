"""Lessons: what the model is shown and what it must say, for every task of the format.

A lesson's row ends with the places that are read: as many as there are targets. Where the output grows place by place,
the first target is read from the separator before it, and the last one is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from valle_engine.errors import CheckpointError
from valle_engine.model.duration import END
from valle_engine.model.sequences import BOS, EOS, Inputs, without_conditions
from valle_engine.text import find_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from valle_engine.model.config import ModelConfig
    from valle_engine.text import Tokenizer
    from valle_engine.training.examples import Example
    from valle_engine.training.options import LessonName, Lessons

IGNORED = -100
"""A target that is not counted."""
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A row to learn from: `targets` (n,) int64 are what its last n places must say, `IGNORED` where anything goes."""

    inputs: Inputs
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Aim:
    """What a piece of speech teaches: a codebook, the first one also by demasking this share of its frames."""

    level: int = 0
    masked: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Speech with its conditions: codes (frames, codebooks) int64 that follow from `inputs`."""

    inputs: Inputs
    codes: Tensor


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """How texts become ids: phonemes, and characters where the model reads or writes raw text."""

    phonemes: Tokenizer
    characters: Tokenizer | None = None

    def said(self, *examples: Example) -> Tensor:
        """Ids (n,) of the phonemes of utterances one after another."""
        return torch.from_numpy(self.phonemes.encode(" ".join(example.phonemes for example in examples)))

    def written(self, example: Example) -> Tensor:
        """Ids (n,) of the text of an utterance."""
        if self.characters is None:
            raise CheckpointError("the tasks phn and un-phn need a vocabulary of characters: name a `text_tokenizer`")
        return torch.from_numpy(self.characters.encode(example.text))


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What a lesson is made from: an utterance, the others of its speaker, and chance."""

    example: Example
    others: Sequence[Example]
    random: np.random.Generator
    options: Lessons
    vocabularies: Vocabularies
    frame_rate: float

    def companions(self, count: int) -> list[Example]:
        """So many other utterances of the speaker; utterances come again where there are too few."""
        if not self.others:
            return []
        again = len(self.others) < count
        chosen = self.random.choice(len(self.others), count, replace=again)
        return [self.others[int(index)] for index in chosen]

    def voice(self) -> Tensor | None:
        """Codes of a prompt: other utterances of the speaker, joined and cut; None for a speaker without any."""
        shortest, longest = self.options.prompts.seconds
        frames = round(self.random.uniform(shortest, longest) * self.frame_rate)
        pieces: list[Tensor] = []
        missing = frames
        for other in self.companions(min(self.options.prompts.utterances, len(self.others))):
            if missing <= 0:
                break
            pieces.append(_codes(other.codes[:missing]))
            missing -= len(pieces[-1])
        return torch.cat(pieces) if pieces else None

    def inputs(self, task: str, *examples: Example, prompt: Sequence[Tensor | str | None] | None = None) -> Inputs:
        """Conditions of a task that speaks the words of examples; parts of the prompt that are None are left out."""
        parts = None if prompt is None else tuple(part for part in prompt if part is not None)
        return Inputs(
            task=task,
            phonemes=self.vocabularies.said(*examples),
            language=find_language(self.example.language).id,
            prompt=parts or None,
        )

    def perhaps_silent(self, inputs: Inputs) -> Inputs:
        """The same, now and then without its words."""
        if self.random.random() >= self.options.drop.words:
            return inputs
        return replace(inputs, phonemes=torch.tensor([BOS, EOS]))


def speak(draw: Draw) -> Spoken:
    """`tts`: the utterance in the voice of others of its speaker."""
    voice = draw.voice()
    return Spoken(draw.inputs("tts", draw.example, prompt=[voice]), _codes(draw.example.codes))


def continue_other(draw: Draw) -> Spoken:
    """`tts-c`: another utterance of the speaker, going on from this one."""
    other = _first(draw.companions(1), draw.example)
    prompt = (_codes(draw.example.codes), "tts-c")
    return Spoken(draw.inputs("tts-c", draw.example, other, prompt=prompt), _codes(other.codes))


def clean(draw: Draw) -> Spoken:
    """`ns`: the utterance out of its noise."""
    inputs = draw.inputs("ns", draw.example, prompt=("ns", _heard(draw.example)))
    return Spoken(draw.perhaps_silent(inputs), _codes(draw.example.codes))


def remove_speech(draw: Draw) -> Spoken:
    """`sr`: the noise without the utterance."""
    inputs = draw.inputs("sr", draw.example, prompt=("sr", _heard(draw.example)))
    return Spoken(draw.perhaps_silent(inputs), _codes(_present(draw.example.noise, draw.example)))


def extract(draw: Draw) -> Spoken:
    """`tse`: the utterance out of what sounds beside it, by the voice alone."""
    inputs = draw.inputs("tse", draw.example, prompt=(draw.voice(), "tse", _heard(draw.example)))
    return Spoken(draw.perhaps_silent(inputs), _codes(draw.example.codes))


def edit(draw: Draw) -> Spoken:
    """`cse`: other words in the middle, which is hidden."""
    return _edited(draw, "cse", lambda example: example.codes, hidden=True)


def edit_in_noise(draw: Draw) -> Spoken:
    """`nse`: other words in the middle, and the same noise all over."""
    return _edited(draw, "nse", lambda example: _present(example.noisy, example), hidden=False)


def _edited(draw: Draw, task: str, heard: Callable[[Example], np.ndarray], *, hidden: bool) -> Spoken:
    example = draw.example
    new, before, after = (draw.companions(3) + [example] * 3)[:3]
    dropped = draw.random.random()
    start = [] if dropped < 0.125 else [before]
    end = [] if 0.125 <= dropped < 0.25 else [after]
    middle = "mask" if hidden else _codes(heard(example))
    around = [*(_codes(heard(each)) for each in start), "soe", middle, "eoe", *(_codes(heard(each)) for each in end)]
    said = [*start, new, *end]
    return Spoken(draw.inputs(task, *said, prompt=around), torch.cat([_codes(heard(each)) for each in said]))


SPEECH: Mapping[LessonName, Callable[[Draw], Spoken]] = {
    "tts": speak,
    "tts-c": continue_other,
    "ns": clean,
    "sr": remove_speech,
    "tse": extract,
    "cse": edit,
    "nse": edit_in_noise,
}


NOISY: frozenset[LessonName] = frozenset({"ns", "sr", "tse", "nse"})
"""Tasks that hear an utterance in its noise."""


def goes_on(draw: Draw, aim: Aim, config: ModelConfig) -> Lesson:
    """`continuation`: the utterance goes on from its own beginning, at the first codebook as the output so far."""
    codes = _codes(draw.example.codes)
    inputs = draw.inputs("tts", draw.example)
    if aim == Aim():
        return spoken(Spoken(replace(inputs, prompt=(codes[:0],)), codes), aim, config, draw.random)
    begun = round(len(codes) * draw.random.uniform(0.2, 0.6))
    return spoken(Spoken(replace(inputs, prompt=(codes[:begun],)), codes[begun:]), aim, config, draw.random)


def transcribe(draw: Draw) -> Lesson:
    """`stt`: the phonemes of the utterance."""
    return _writing(Inputs(task="stt", response=_codes(draw.example.codes)), draw, draw.vocabularies.said(draw.example))


def sound_out(draw: Draw) -> Lesson:
    """`phn`: the phonemes of a text."""
    said = draw.vocabularies.said(draw.example)
    return _writing(Inputs(task="phn", text=draw.vocabularies.written(draw.example)), draw, said)


def spell(draw: Draw) -> Lesson:
    """`un-phn`: the text of phonemes."""
    inputs = replace(draw.inputs("un-phn", draw.example), prompt=None)
    written = draw.vocabularies.written(draw.example)
    return Lesson(replace(inputs, text=written[:-1]), written)


def measure(draw: Draw) -> Lesson:
    """`len`: the frames of the utterance, digit by digit behind a 0."""
    digits = [0, *map(int, str(len(draw.example.codes))), END]
    inputs = draw.inputs("len", draw.example, prompt=[draw.voice()])
    return Lesson(replace(inputs, length=torch.tensor(digits[:-1])), torch.tensor(digits))


WRITING: Mapping[LessonName, Callable[[Draw], Lesson]] = {
    "stt": transcribe,
    "phn": sound_out,
    "un-phn": spell,
    "len": measure,
}


def spoken(speech: Spoken, aim: Aim, config: ModelConfig, random: np.random.Generator) -> Lesson:
    """The lesson that a piece of speech gives at an aim."""
    codes, level = speech.codes, aim.level
    if aim.masked is not None:
        hidden = torch.from_numpy(random.random(len(codes)) < aim.masked)
        shown = codes[:, 0].masked_fill(hidden, config.mask_code)
        inputs = replace(speech.inputs, response=shown, masked=True)
        return Lesson(inputs, codes[:, 0].masked_fill(~hidden, IGNORED))
    if level:
        return Lesson(replace(speech.inputs, response=codes[:, :level], level=level), codes[:, level])
    stop = torch.tensor([config.stop_code])
    return Lesson(replace(speech.inputs, response=codes[:, 0]), torch.cat([codes[:, 0], stop]))


def dropped(inputs: Inputs, options: Lessons, random: np.random.Generator) -> Inputs:
    """The same, now and then without the voice, or without voice and words."""
    chance = random.random()
    if chance < options.drop.all:
        return without_conditions(inputs, CPU)
    if chance < options.drop.all + options.drop.prompt and inputs.task == "tts":
        return replace(inputs, prompt=None)
    return inputs


def _writing(inputs: Inputs, draw: Draw, said: Tensor) -> Lesson:
    language = find_language(draw.example.language).id
    return Lesson(replace(inputs, language=language, phonemes=said[:-1]), said)


def _heard(example: Example) -> Tensor:
    return _codes(_present(example.noisy, example))


def _present(codes: np.ndarray | None, example: Example) -> np.ndarray:
    if codes is None:
        raise CheckpointError(
            f"{example.id}: prepared without noise, which ns, sr, tse and nse need: prepare the corpus with it"
        )
    return codes


def _first(found: Sequence[Example], otherwise: Example) -> Example:
    return found[0] if found else otherwise


def _codes(codes: np.ndarray) -> Tensor:
    return torch.from_numpy(codes.astype(np.int64))
