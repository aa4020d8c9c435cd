"""Speech removal: what a recording holds besides speech."""

from __future__ import annotations

from typing import ClassVar, Literal

from valle_plugins.tasks.cleaning import CleaningTask


class SpeechRemoval(CleaningTask):
    """Give what is to be heard in `item.audio` besides the speech."""

    name: ClassVar[str] = "speech-removal"
    asked: ClassVar[Literal["ns", "sr"]] = "sr"
