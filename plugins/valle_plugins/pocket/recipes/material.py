"""What the recipes of pocket learn from: a folder of banks, synthetic or made of one's own recordings.

Synthetic material is the same for the same seed. `train` and `validation` share no speaker and no sentence there; of
one's own recordings every twentieth is kept for validation.
"""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Literal

from valle_engine.audio import read_clip, resample
from valle_engine.errors import JobError, ValleError
from valle_plugins.pocket.recipes.bank import write_bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valle_engine.parts import Row
    from valle_engine.text import Phonemizer
    from valle_plugins.pocket.recipes.bank import Spoken

TRAIN, VALIDATION, NOISES = "train", "validation", "noises"
"""The banks of a folder of material."""
NOISE_COUNT, NOISE_SECONDS = 300, 4
VALIDATION_COUNT = 200
KEPT_FROM_TRAINING = 20  # one in so many of one's own recordings
RATE = 24000


def synthetic(folder: Path, utterances: int, seed: int) -> None:
    """Render speech in synthetic voices, and noise."""
    write_bank(folder / TRAIN, _rendered(utterances, "train", seed))
    write_bank(folder / VALIDATION, _rendered(min(utterances, VALIDATION_COUNT), "validation", seed))
    _write_noises(folder, seed)


def from_source(folder: Path, kind: str, path: Path | None, language: str) -> None:
    """Take one's own recordings from a source: rows with `audio`, and for some recipes `text` and `speaker`.

    Raises `JobError` for a source that cannot be read, and where nothing in it can be used.
    """
    from valle_engine.plugins import load_plugins  # noqa: PLC0415 - rendering needs none

    source = load_plugins().sources.build(kind, {"path": path} if path else {})
    spoken = list(_recorded(source.rows(), language))
    if len(spoken) < KEPT_FROM_TRAINING:
        raise JobError(
            f"{source.place()}: {len(spoken)} recordings can be used; {KEPT_FROM_TRAINING} or more are needed"
        )
    write_bank(folder / TRAIN, (each for place, each in enumerate(spoken) if place % KEPT_FROM_TRAINING))
    write_bank(folder / VALIDATION, islice(spoken, 0, None, KEPT_FROM_TRAINING))
    _write_noises(folder, 0)


def _rendered(count: int, split: Literal["train", "validation"], seed: int) -> Iterator[Spoken]:
    from valle_plugins.synthetic.corpus import Corpus  # noqa: PLC0415 - one's own recordings need none of it
    from valle_plugins.synthetic.rendering import render  # noqa: PLC0415 - same

    for utterance in Corpus(seed=seed, split=split).utterances(count):
        result = render(utterance)
        yield result.clip, utterance.speaker, result.phonemes, utterance.text


def _recorded(rows: Iterator[Row], language: str) -> Iterator[Spoken]:
    from valle_engine.text import Phonemizer  # noqa: PLC0415 - loads espeak-ng

    phonemizer = Phonemizer()
    for row in rows:
        try:
            yield _spoken(row, phonemizer, language)
        except (ValleError, KeyError) as error:
            print(f"left out: line {row.line}: {row.problem or error}", file=sys.stderr)  # noqa: T201 - a command's


def _spoken(row: Row, phonemizer: Phonemizer, language: str) -> Spoken:
    from pathlib import Path  # noqa: PLC0415 - its only use

    from valle_engine.text import find_language  # noqa: PLC0415 - as above

    clip = resample(read_clip(Path(row.fields["audio"])), RATE)
    text = str(row.fields.get("text", ""))
    said = phonemizer.phonemes(text, find_language(row.fields.get("language", language))) if text else ""
    return clip, str(row.fields.get("speaker", "")), said, text


def _write_noises(folder: Path, seed: int) -> None:
    from valle_plugins.synthetic.noises import noise  # noqa: PLC0415 - loads scipy

    clips = (noise(seed, number, NOISE_SECONDS * RATE) for number in range(NOISE_COUNT))
    write_bank(folder / NOISES, ((clip, "", "", "") for clip in clips))
