"""How the model speaks while it learns: sentences it is never trained on, through the decode engine, and scored."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from valle_engine.audio import encode_clip
from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import run_all
from valle_engine.model.parallel import Levels
from valle_engine.model.requests import Conditions, Speak
from valle_engine.parts import Take
from valle_engine.records import Outcome
from valle_engine.store.atomic import replacing
from valle_engine.text import find_language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.parts import OpenCodec
    from valle_engine.scoring.panel import Panel
    from valle_engine.training.batches import Corpus
    from valle_engine.training.examples import Example
    from valle_engine.training.lessons import Vocabularies

LONGEST = 2
"""A sample may take this many times the frames of the recording; one that takes all of them never ends by itself."""
VOICE = 3.0
"""Seconds of another utterance of the speaker that a sample imitates."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sentence to be spoken, the recording of it, and the voice to imitate: codes (frames, codebooks) or none."""

    example: Example
    voice: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Speaks the same sentences every time. Without a codec only their lengths are told, without a panel no scores."""

    samples: Sequence[Sample]
    vocabularies: Vocabularies
    folder: Path
    codec: OpenCodec | None = None
    panel: Panel | None = None

    def measure(self, model: LanguageModel, step: int) -> dict[str, float]:
        """How far lengths are from the recordings', the share that never ended, and the scorers' means.

        The sound is written to `samples/step-…/` of the folder, under the id of the utterance.
        """
        codes = run_all(model, [self._request(model, sample) for sample in self.samples])
        figures = _lengths(codes, [sample.example for sample in self.samples])
        if self.codec is not None:
            figures |= self._heard(codes, self.folder / "samples" / f"step-{step:08d}")
        return figures

    def _request(self, model: LanguageModel, sample: Sample) -> Speak:
        example = sample.example
        return Speak(
            conditions=Conditions(
                phonemes=self.vocabularies.phonemes.encode(example.phonemes),
                language=find_language(example.language).id,
                prompt=sample.voice,
            ),
            first=Autoregressive(LONGEST * len(example.codes)),
            rest=Levels(model.config.levels - 1),
            seed=1,
        )

    def _heard(self, codes: Sequence[np.ndarray], folder: Path) -> dict[str, float]:
        """Write what is not silent, and score it."""
        spoken = [(sample.example, each) for sample, each in zip(self.samples, codes, strict=True) if len(each)]
        if self.codec is None or not spoken:
            return {}
        folder.mkdir(parents=True, exist_ok=True)
        takes: list[Take] = []
        for (example, _), clip in zip(spoken, self.codec.decode([each for _, each in spoken]), strict=True):
            path = folder / f"{example.id.replace('/', '_')}.flac"
            with replacing(path) as file:
                file.write(encode_clip(clip, "flac"))
            fields = {"text": example.text, "phonemes": example.phonemes, "language": example.language}
            takes.append(Take(fields, Outcome(example.id, "done", ""), path))
        return {} if self.panel is None else _means([sheet.scores for sheet in self.panel.score(takes)])


def choose_samples(corpus: Corpus, count: int, frame_rate: float) -> list[Sample]:
    """The first utterances of a corpus, each with the voice of another one of its speaker."""
    stream = corpus.stream(0, 0)
    chosen = []
    for example in islice(stream, count):
        others = stream.others(example)
        voice = others[0].codes[: round(VOICE * frame_rate)].astype(np.int64) if others else None
        chosen.append(Sample(example, voice))
    return chosen


def _lengths(codes: Sequence[np.ndarray], examples: Sequence[Example]) -> dict[str, float]:
    shares = [len(spoken) / len(example.codes) for spoken, example in zip(codes, examples, strict=True)]
    apart = [abs(share - 1) for share in shares]
    return {
        "length error": float(np.mean(apart)),
        "endless": sum(share >= LONGEST for share in shares) / len(shares),
    }


def _means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for each in scores for name in each})
    return {name: float(np.mean([each[name] for each in scores if name in each])) for name in names}
