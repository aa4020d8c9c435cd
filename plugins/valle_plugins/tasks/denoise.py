"""Noise suppression: the speech of a noisy recording."""

from __future__ import annotations

from typing import ClassVar, Literal

from valle_plugins.tasks.cleaning import CleaningTask


class Denoise(CleaningTask):
    """Give the speech of `item.audio` without what else is to be heard."""

    name: ClassVar[str] = "denoise"
    asked: ClassVar[Literal["ns", "sr"]] = "ns"
