"""From an item's text to what the model is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from valle_engine.text.detection import detect_language
from valle_engine.text.languages import Language, find_language
from valle_engine.text.phonemes import Phonemizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from valle_engine.text.tokenizer import Tokenizer

AUTO = "auto"


class Normaliser(Protocol):
    """Rewrites a text as it is to be spoken, before it becomes phonemes: numbers, abbreviations, markup."""

    def __call__(self, text: str, language: Language) -> str:
        """Return the text to speak."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text made ready: `phonemes` in IPA, `ids` (n,) int64 with start and stop, in one and the same language."""

    language: Language
    phonemes: str
    ids: np.ndarray


class TextFrontEnd:
    """Text to utterances: language, normaliser (if there is one), phonemes, ids. Safe to call from threads."""

    def __init__(self, tokenizer: Tokenizer, normaliser: Normaliser | None = None) -> None:
        self._tokenizer = tokenizer
        self._normaliser = normaliser
        self._phonemizer = Phonemizer()

    def prepare(self, text: str, language: str, pronunciations: Mapping[str, str] | None = None) -> Utterance:
        """Make a text ready; `language` is a code, or `auto` to detect it from the text.

        `pronunciations` holds phonemes (IPA) of whole words in the text, which are taken as they are given. Raises
        `ItemError` for an unknown language, an empty text, or one that cannot be spoken.
        """
        chosen = detect_language(text) if language == AUTO else find_language(language)
        spoken = text if self._normaliser is None else self._normaliser(text, chosen)
        phonemes = self._phonemes(spoken, chosen, pronunciations or {})
        return Utterance(chosen, phonemes, self._tokenizer.encode(phonemes))

    def _phonemes(self, text: str, language: Language, pronunciations: Mapping[str, str]) -> str:
        if not pronunciations:
            return self._phonemizer.phonemes(text, language)
        words = "|".join(re.escape(word) for word in sorted(pronunciations, key=len, reverse=True))
        pieces = re.split(rf"(?<!\w)({words})(?!\w)", text)
        pieces[::2] = [self._around(piece, language) for piece in pieces[::2]]
        pieces[1::2] = [pronunciations[word] for word in pieces[1::2]]
        return " ".join("".join(pieces).split())

    def _around(self, text: str, language: Language) -> str:
        """Phonemes of what stands between words whose phonemes are given, with the space at its ends."""
        if not text.strip():
            return text
        before, after = (" " if letter.isspace() else "" for letter in (text[0], text[-1]))
        return f"{before}{self._phonemizer.phonemes(text, language)}{after}"
