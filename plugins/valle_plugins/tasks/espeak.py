"""Text to speech by the espeak-ng library: no weights, hundreds of times faster than real time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.errors import ItemError
from valle_engine.parts import BaseItem, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from valle_engine.kit import Kit
    from valle_engine.records import Clip

LIBRARY_RATE = 22050
LETTERS_PER_WORD = 6  # with the space; at 175 words a minute English takes 0.057 s a letter


class Espeak(Task):
    """Speak `item.text` with espeak-ng, to listen to a text before spending GPU time on it.

    The same text gives the same bytes. Markup in the text is read out, never obeyed.
    """

    class Item(BaseItem):
        """A line to speak. A voice without a variant's `+` is used whatever the language says."""

        text: str = Field(description="What to say.")
        language: str = Field("en", description="Language code: en, en-us, de, fr, cmn …")
        voice: str = Field("", description="A voice (`en-us`), a variant of the language's (`+f3`), or both (`de+f3`).")

    name: ClassVar[str] = "espeak"

    rate: int = Field(175, ge=80, le=450, description="Words per minute.")
    pitch: int = Field(50, ge=0, le=99, description="Height of the voice, 50 is its own.")
    pitch_range: int = Field(50, ge=0, le=99, description="Liveliness of the melody, 0 is monotone.")
    volume: int = Field(100, ge=1, le=200, description="Loudness in percent; loud passages distort above 100.")
    word_gap: float = Field(0.0, ge=0, le=10, description="Seconds of pause between words, at the normal rate.")
    max_seconds: float = Field(600.0, gt=0, le=7200, description="Longest speech of one item; longer ones fail.")

    def expected_seconds(self, item: Item) -> float:
        """Seconds of speech, from the number of letters and the rate."""
        words = len(item.text) / LETTERS_PER_WORD
        return words * (60 / self.rate + self.word_gap)

    async def run(self, item: Item, kit: Kit) -> Clip:
        """Speak one line. Raises `ItemError` for an unknown voice, nothing to say, or too much of it."""
        return await kit.blocking(self._spoken, item, kit.progress)

    def _spoken(self, item: Item, progress: Callable[[], None]) -> Clip:
        import numpy as np  # noqa: PLC0415 - a check of a job needs neither numpy nor the library

        from valle_engine.records import Clip  # noqa: PLC0415
        from valle_plugins.tasks.espeak_library import Manner, speak  # noqa: PLC0415

        manner = Manner(self.rate, self.pitch, self.pitch_range, self.volume, round(self.word_gap * 100))
        data, rate = speak(item.text, _voice(item), manner, int(self.max_seconds * LIBRARY_RATE), progress)
        samples = np.frombuffer(data, np.int16)
        if not samples.any():
            raise ItemError(f"espeak-ng finds nothing to say in {item.text[:80]!r}")
        return Clip(samples.astype(np.float32) / 32768, rate)


def _voice(item: Espeak.Item) -> str:
    return item.language + item.voice if item.voice.startswith("+") else item.voice or item.language
