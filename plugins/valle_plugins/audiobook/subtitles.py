"""Text to read along: SRT and WebVTT, one cue a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from valle_plugins.audiobook.container import RATE, clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from valle_plugins.audiobook.lines import Spot

Subtitles = Literal["srt", "vtt"]


def cues(spots: Iterable[Spot], kind: Subtitles) -> Iterator[str]:
    """Stream the text of a subtitle file; lines without sound are left out."""
    point = "," if kind == "srt" else "."
    if kind == "vtt":
        yield "WEBVTT\n\n"
    spoken = (spot for spot in spots if spot.end > spot.start)
    for number, spot in enumerate(spoken, start=1):
        start, end = (clock(place / RATE, point) for place in (spot.start, spot.end))
        yield f"{number}\n{start} --> {end}\n{_text(spot.line.written, kind)}\n\n"


def _text(written: str, kind: Subtitles) -> str:
    """A text on one line: an empty one would end the cue, and `-->` would begin another."""
    line = " ".join(written.split())
    if kind == "vtt":
        return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line.replace("-->", "→")
