"""Text to speech in the voice of a short recording."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from valle_engine.decoding import Spoken
from valle_engine.pace import reading_seconds
from valle_engine.records import Result
from valle_plugins.tasks.speech import SpeechTask, SpokenItem, cut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np

    from valle_engine.kit import Kit
    from valle_engine.text import Utterance


class TextToSpeech(SpeechTask):
    """Speak `item.text` in the voice of `item.voice`, sentence by sentence, each with those before it in mind."""

    class Item(SpokenItem):
        """A text to speak; without a voice, the model takes its own, or any."""

        voice: Path | None = Field(None, description="A recording of the voice, or the name of one of the model's.")
        pronunciations: dict[str, str] = Field(
            default_factory=dict, description="Phonemes (IPA) of whole words in the text, by word."
        )
        sampling: dict[str, Any] = Field(
            default_factory=dict, description="Options of the job's samplers that differ for this item, by sampler."
        )

    name: ClassVar[str] = "tts"

    prompt_seconds: float = Field(
        3.0, ge=0, le=30, description="Seconds of the recording that are used, repeated if it is shorter; 0: all of it."
    )
    split: bool = Field(default=True, description="Speak sentence by sentence; else the text is one utterance.")
    context: int = Field(1, ge=0, le=8, description="Sentences before that one is spoken in the light of.")

    def expected_seconds(self, item: Item) -> float:
        """Seconds of speech, from the number of letters."""
        return reading_seconds(item.text, item.language)

    async def run(self, item: Item, kit: Kit) -> Result:
        """Speak one text. `cut` counts sentences that were longer than `max_seconds`."""
        import numpy as np  # noqa: PLC0415 - a check of a job needs no numpy

        pieces = [piece async for piece in self.pieces(item, kit)]
        codes = np.concatenate([codes for _, codes in pieces])
        counts = {"sentences": len(pieces), "cut": sum(cut(spoken, codes, kit) for spoken, codes in pieces)}
        return Result(await kit.decode(codes), counts)

    async def pieces(self, item: Item, kit: Kit) -> AsyncIterator[tuple[Spoken, np.ndarray]]:
        """Each sentence with its codes, as soon as they are there. Raises `ItemError`."""
        prompt = None if item.voice is None else await kit.prompt(item.voice, self.prompt_seconds)
        before: deque[tuple[Utterance, np.ndarray]] = deque(maxlen=self.context)
        for part, sentence in enumerate(await self._sentences(item, kit)):
            said = await kit.phonemes(sentence, item.language, item.pronunciations)
            spoken = Spoken(said=said, how=self, prompt=prompt, before=tuple(before), sampling=item.sampling)
            codes = await kit.speak(spoken, part)
            before.append((said, codes))
            yield spoken, codes

    async def _sentences(self, item: Item, kit: Kit) -> list[str]:
        from valle_engine.text.sentences import split_sentences  # noqa: PLC0415 - numpy, as above

        found = await kit.blocking(split_sentences, item.text, item.language) if self.split else []
        return found or [item.text]
