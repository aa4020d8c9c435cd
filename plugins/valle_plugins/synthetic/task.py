"""Write a synthetic corpus as audio files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import BaseItem, Task
from valle_engine.records import Result

if TYPE_CHECKING:
    from valle_engine.kit import Kit

LETTERS_PER_SECOND = 14


class Synthesise(Task):
    """Speak `item.text` by the recipe `item.synthetic`, as the source `synthetic` gives it.

    The same item gives the same bytes on every worker. The values hold `phonemes`, those that a model reads for this
    text; with `times` also `phones`: name, first and last second, and place in the phonemes (-1 for none) of each
    sound.
    """

    class Item(BaseItem):
        """A row of a synthetic corpus."""

        text: str = Field(description="What to say.")
        synthetic: str = Field(description="The recipe of the voice, such as `formant:0:12:175:50:50`.")
        language: str = Field("en", description="Language code: en, de, fr, ja, zh, ko.")

    name: ClassVar[str] = "synthesise"

    times: bool = Field(default=False, description="Tell when each phone sounds.")

    def expected_seconds(self, item: Item) -> float:
        """Seconds of speech, from the number of letters."""
        return len(item.text) / LETTERS_PER_SECOND

    async def run(self, item: Item, kit: Kit) -> Result:
        """Speak one row. Raises `ItemError` for a recipe or a text that cannot be spoken."""
        return await kit.blocking(self._rendered, item)

    def _rendered(self, item: Item) -> Result:
        from valle_plugins.synthetic.rendering import render  # noqa: PLC0415 - a check of a job needs no library

        rendered = render(item)
        phones = [[phone.name, round(phone.start, 4), round(phone.end, 4), phone.place] for phone in rendered.phones]
        values = {"phonemes": rendered.phonemes} | ({"phones": phones} if self.times else {})
        return Result(rendered.clip, values)
