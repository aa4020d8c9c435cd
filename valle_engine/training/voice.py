"""The recordings of one voice as examples: audio files with what they say beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from valle_engine.audio import read_clip
from valle_engine.errors import AudioError, ItemError, JobError, Problem
from valle_engine.text import Phonemizer, find_language
from valle_engine.training.examples import Example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valle_engine.parts import OpenCodec, Row
    from valle_engine.plugins import Plugins
    from valle_engine.records import Clip

SHORTEST, LONGEST = 0.5, 30.0
"""Seconds of a recording that is used."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, and what it says."""

    id: str
    audio: Path
    text: str


def find_recordings(folder: Path, plugins: Plugins) -> list[Recording]:
    """The recordings of a folder and its sub-folders. Raises `JobError` with every one whose words are not known."""
    source = plugins.sources.build("audio-folder", {"path": folder})
    rows = list(source.rows())
    problems = [Problem(_problem(row), str(row.fields["audio"])) for row in rows if _problem(row)]
    if not rows:
        problems = [
            Problem("holds no audio files", str(folder), hint="give wav or flac files, with a .txt beside each")
        ]
    if problems:
        raise JobError(problems)
    return [Recording(row.fields["id"], Path(row.fields["audio"]), row.fields["text"]) for row in rows]


def make_examples(recordings: Sequence[Recording], codec: OpenCodec, language: str) -> list[Example]:
    """Encode and phonemise recordings. Raises `JobError` with everything that is not fit to learn from."""
    phonemizer, spoken = Phonemizer(), find_language(language)
    examples: list[Example] = []
    problems: list[Problem] = []
    for each in recordings:
        try:
            clip = _clip(each.audio)
            phonemes = phonemizer.phonemes(each.text, spoken)
        except (AudioError, ItemError) as error:
            problems.append(Problem(str(error), str(each.audio), hint="cut it, mend it or take it away"))
            continue
        codes = codec.encode([clip])[0].astype(np.uint16)
        examples.append(Example(each.id, "voice", language, each.text, phonemes, codes, clip.seconds))
    if problems:
        raise JobError(problems)
    return examples


def _clip(path: Path) -> Clip:
    clip = read_clip(path)
    if not SHORTEST <= clip.seconds <= LONGEST:
        raise ItemError(f"{clip.seconds:.1f} s is not between {SHORTEST:g} and {LONGEST:g} s")
    return clip


@dataclass(frozen=True, slots=True)
class Voice:
    """Examples in memory as a corpus of one speaker."""

    examples: Sequence[Example]

    def stream(self, seed: int, epoch: int, rank: int = 0, world: int = 1, start: int = 0) -> VoiceStream:
        """The examples of an epoch in its order."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self.examples))[rank::world][start:]
        return VoiceStream(self.examples, iter(order.tolist()))


class VoiceStream:
    """One epoch of a voice."""

    def __init__(self, examples: Sequence[Example], order: Iterator[int]) -> None:
        self._examples, self._order = examples, order

    def __iter__(self) -> VoiceStream:
        return self

    def __next__(self) -> Example:
        return self._examples[next(self._order)]

    def others(self, example: Example) -> list[Example]:
        """All but one."""
        return [each for each in self._examples if each is not example]


def _problem(row: Row) -> str:
    fields: Any = row.fields
    if row.problem:
        return row.problem
    return "" if fields.get("text") else f"no words beside it: write them into {Path(fields['audio']).stem}.txt"
