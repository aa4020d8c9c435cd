"""Banks that the recipes of pocket learn from: synthetic speech and noise, the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valle_plugins.pocket.recipes.bank import write_bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from valle_engine.records import Clip

NOISE_SECONDS = 4
RATE = 24000


def write_speech(folder: Path, count: int, split: Literal["train", "validation", "test"], seed: int = 0) -> None:
    """Render `count` utterances of one split; its speakers are in no other."""
    from valle_plugins.synthetic.corpus import Corpus  # noqa: PLC0415 - another plugin, needed by this alone
    from valle_plugins.synthetic.rendering import render  # noqa: PLC0415 - same

    def rendered() -> Iterator[tuple[Clip, str, str, str]]:
        for utterance in Corpus(seed=seed, split=split).utterances(count):
            result = render(utterance)
            yield result.clip, utterance.speaker, result.phonemes, utterance.text

    write_bank(folder, rendered())


def write_noises(folder: Path, count: int, seed: int = 0) -> None:
    """Generate `count` noises of four seconds."""
    from valle_plugins.synthetic.noises import noise  # noqa: PLC0415 - same

    write_bank(folder, ((noise(seed, number, NOISE_SECONDS * RATE), "", "", "") for number in range(count)))
