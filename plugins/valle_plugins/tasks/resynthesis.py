"""Copy-synthesis: sound as a codec keeps it, which is the most that speech in its codes can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.parts import BaseItem, Task

if TYPE_CHECKING:
    from valle_engine.kit import Kit
    from valle_engine.records import Clip


class Resynthesise(Task):
    """Turn `item.audio` into codes and back into sound."""

    class Item(BaseItem):
        """A recording."""

        audio: Path = Field(description="The recording.")

    name: ClassVar[str] = "resynthesise"
    needs_codec: ClassVar[bool] = True

    async def run(self, item: Item, kit: Kit) -> Clip:
        """Do one recording. Raises `AudioError`."""
        return await kit.decode(await kit.encode(item.audio))
