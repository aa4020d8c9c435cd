"""Texts as phonemes, for scorers that compare phonemes."""

from __future__ import annotations

from functools import lru_cache

from valle_engine.errors import ItemError
from valle_engine.text import Phonemizer, detect_language, find_language

REMEMBERED = 10_000


class Phonetics:
    """Phonemes of texts, remembered: several takes of an item have one reference."""

    def __init__(self) -> None:
        self._phonemizer = Phonemizer()
        self.of = lru_cache(maxsize=REMEMBERED)(self._of)

    def _of(self, text: str, language: str) -> str:
        """Phonemes of a text, none for a text without words; `auto` detects the language."""
        if not any(character.isalnum() for character in text):
            return ""
        found = detect_language(text) if language == "auto" else find_language(language)
        try:
            return self._phonemizer.phonemes(text, found)
        except ItemError:
            return ""
