"""Pocket's reference voices: who they are, and what they say in the recordings that name them.

Nobody's: each is a voice of the synthetic corpus, of its training split, and a line made for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SEED = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """A voice by its name: its number in the corpus, its pace in words a minute, and what it says."""

    name: str
    language: str
    number: int
    pace: int
    text: str

    @property
    def synthetic(self) -> str:
        """The recipe of its sound."""
        return f"formant:{SEED}:{self.number}:{self.pace}:50:50"


REFERENCES = (
    Reference("alba", "en", 33, 160, "The morning was clear, and a soft wind moved the leaves above the garden wall."),
    Reference("bruno", "en", 50, 155, "By the old bridge the river runs slow, and boats rest quietly in the shade."),
    Reference("clara", "en", 178, 170, "We packed bread, cheese and a jug of water, and left before the sun was up."),
    Reference("dario", "en", 252, 165, "Nobody knew which of the seven doors would open, so they tried each in turn."),
    Reference("edda", "en", 23, 160, "Please put the brown boxes on the top shelf, next to the window on the left."),
    Reference("greta", "de", 87, 160, "Am frühen Morgen liegt noch Nebel über dem Fluss, und die Vögel erwachen."),
    Reference("henri", "fr", 41, 165, "Le petit jardin derrière la maison est plein de roses jaunes et d'arbres."),
    Reference("hana", "ja", 207, 160, "きょうは あさから よく はれて、 とおくの やままで きれいに みえます。"),
    Reference("mei", "zh", 288, 160, "早上天气很好，我们一起去河边散步，看见很多小鸟。"),
    Reference("jun", "ko", 116, 160, "아침에 일어나서 창문을 열면 시원한 바람이 방 안으로 들어옵니다."),
)


def write_voices(folder: Path) -> None:
    """Speak every line into `folder`: NAME.flac, and NAME.txt with what it says."""
    from valle_engine.audio import encode_clip  # noqa: PLC0415 - a plugin's import stays light
    from valle_engine.store.atomic import replacing  # noqa: PLC0415 - same
    from valle_plugins.synthetic.rendering import render  # noqa: PLC0415 - same

    folder.mkdir(parents=True, exist_ok=True)
    for reference in REFERENCES:
        with replacing(folder / f"{reference.name}.flac") as file:
            file.write(encode_clip(render(reference).clip, "flac"))
        with replacing(folder / f"{reference.name}.txt") as file:
            file.write(f"{reference.text}\n".encode())
