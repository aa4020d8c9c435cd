"""Recorded or rendered utterances as one array on disk: training reads any second of it without opening a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from valle_engine.records import Clip

AUDIO = "audio.i16"
INDEX = "index.jsonl"
FULL_SCALE = 32767


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance in a bank: `start` and `samples` say where its sound lies."""

    start: int
    samples: int
    speaker: str = ""
    phonemes: str = ""
    text: str = ""


class Bank:
    """Utterances at one rate in a folder: `audio.i16`, all samples one after another, and `index.jsonl`."""

    def __init__(self, folder: Path) -> None:
        with (folder / INDEX).open(encoding="utf-8") as lines:
            self.entries = [Entry(**json.loads(line)) for line in lines]
        self._audio = np.memmap(folder / AUDIO, np.int16, "r")

    def __len__(self) -> int:
        return len(self.entries)

    def samples(self, index: int) -> np.ndarray:
        """All of one utterance, (n,) float32."""
        entry = self.entries[index]
        return self._audio[entry.start : entry.start + entry.samples].astype(np.float32) / FULL_SCALE

    def crop(self, rng: np.random.Generator, length: int) -> np.ndarray:
        """`length` samples from any place of any utterance, (length,) float32; zeros follow a shorter one."""
        return self.piece(rng, int(rng.integers(len(self.entries))), length)

    def piece(self, rng: np.random.Generator, index: int, length: int) -> np.ndarray:
        """The same from any place of one utterance."""
        entry = self.entries[index]
        start = entry.start + int(rng.integers(max(1, entry.samples - length + 1)))
        piece = self._audio[start : min(start + length, entry.start + entry.samples)]
        return np.pad(piece.astype(np.float32) / FULL_SCALE, (0, length - len(piece)))


Spoken: TypeAlias = "tuple[Clip, str, str, str]"
"""A clip, who speaks, the phonemes and the text; empty where not known."""


def write_bank(folder: Path, utterances: Iterable[Spoken]) -> None:
    """Write utterances of one rate."""
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    with (folder / AUDIO).open("wb") as audio, (folder / INDEX).open("w", encoding="utf-8") as index:
        for clip, speaker, phonemes, text in utterances:
            (np.clip(clip.samples, -1.0, 1.0) * FULL_SCALE).astype(np.int16).tofile(audio)
            entry = Entry(start, len(clip.samples), speaker, phonemes, text)
            index.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            start += entry.samples


def mixed(speech: np.ndarray, noise: np.ndarray, decibels: float) -> np.ndarray:
    """Speech with noise at a ratio of powers, as loud as the speech was."""
    power = np.sqrt((speech**2).mean() / max(float((noise**2).mean()), 1e-10))
    both = speech + noise * power * 10 ** (-decibels / 20)
    as_loud: np.ndarray = both * (np.abs(speech).max() / max(float(np.abs(both).max()), 1e-5))
    return as_loud
