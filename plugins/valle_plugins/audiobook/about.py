"""What a finished book says of itself: its title and makers, and how it was made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from valle_engine import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from valle_plugins.audiobook.lines import Line

ISO_639_2 = {"en": "eng", "de": "deu", "fr": "fra", "ja": "jpn", "zh": "zho", "ko": "kor", "es": "spa", "it": "ita"}
AUDIOBOOK = "2"
"""What MP4's `stik` calls an audiobook."""
LONGEST_NAME = 120
VOICES_NAMED = 8
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')


class About(BaseModel):
    """Title and makers of a book; what is not given is taken from the book itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("", description="Title; of one book only.")
    author: str = Field("", description="Who wrote it.")
    narrator: str = Field("", description="Who reads it. Default: the voices.")
    series: str = Field("", description="Series the book belongs to.")
    part: str = Field("", description="Its number in the series.")
    publisher: str = Field("", description="Who published it.")
    date: str = Field("", description="When, such as 1865 or 1865-11-26.")
    genre: str = Field("Audiobook", description="Genre.")
    description: str = Field("", description="A few sentences about it.")
    language: str = Field("", description="Language code.")

    def completed(self, facts: Mapping[str, str]) -> About:
        """The same with what is missing filled in."""
        missing = {name: value for name, value in facts.items() if value and not getattr(self, name)}
        return self.model_copy(update=missing)

    def tags(self, comment: str) -> dict[str, str]:
        """Tags under FFmpeg's names, each of which every format has a place for or leaves out."""
        return {
            "title": self.title,
            "album": self.title,
            "artist": self.author,
            "album_artist": self.author,
            "composer": self.narrator,
            "genre": self.genre,
            "date": self.date,
            "publisher": self.publisher,
            "description": self.description,
            "series": self.series,
            "series-part": self.part,
            "grouping": f"{self.series} #{self.part}" if self.series and self.part else self.series,
            "comment": comment,
            "media_type": AUDIOBOOK,
        }

    def for_audiobookshelf(self) -> dict[str, Any]:
        """The `metadata.json` that Audiobookshelf reads beside a book."""
        series = f"{self.series} #{self.part}" if self.part else self.series
        return {
            "title": self.title,
            "authors": [self.author] if self.author else [],
            "narrators": [self.narrator] if self.narrator else [],
            "series": [series] if series else [],
            "genres": [self.genre] if self.genre else [],
            "publishedYear": self.date[:4] or None,
            "publisher": self.publisher or None,
            "description": self.description or None,
            "language": self.language or None,
        }


def provenance(recipe: Mapping[str, Any], lines: Iterable[Line]) -> dict[str, Any]:
    """How the sound was made: engine, task, model, seed, and whose voices it has."""
    task, model = recipe.get("task") or {}, recipe.get("model") or {}
    return {
        "engine": f"valle-engine {__version__}",
        "task": task.get("name", ""),
        "model": model.get("weights", "") if model else "",
        "seed": recipe.get("seed", 0),
        "voices": sorted({line.speaker for line in lines if line.speaker}),
        "recipe": dict(recipe),
    }


def comment_of(made: Mapping[str, Any]) -> str:
    """Provenance in a sentence, for the file's comment."""
    by = " ".join(part for part in (made["task"], made["model"]) if part) or "unknown means"
    voices = made["voices"]
    named = ", ".join(voices[:VOICES_NAMED]) + (
        f" and {len(voices) - VOICES_NAMED} more" * (len(voices) > VOICES_NAMED)
    )
    return f"Synthetic speech by {made['engine']}: {by}, seed {made['seed']}" + (f"; voices: {named}" if voices else "")


def file_name(text: str, fallback: str) -> str:
    """A text as the name of a file or folder on any system."""
    plain = _FORBIDDEN.sub(" ", text)
    return " ".join(plain.split())[:LONGEST_NAME].strip(" .") or fallback
