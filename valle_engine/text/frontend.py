"""From an item's text to what the model is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from valle_engine.text.detection import detect_language
from valle_engine.text.languages import Language, find_language
from valle_engine.text.phonemes import Phonemizer

if TYPE_CHECKING:
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

    def prepare(self, text: str, language: str) -> Utterance:
        """Make a text ready; `language` is a code, or `auto` to detect it from the text.

        Raises `ItemError` for an unknown language, an empty text, or one that cannot be spoken.
        """
        chosen = detect_language(text) if language == AUTO else find_language(language)
        spoken = text if self._normaliser is None else self._normaliser(text, chosen)
        phonemes = self._phonemizer.phonemes(spoken, chosen)
        return Utterance(chosen, phonemes, self._tokenizer.encode(phonemes))
