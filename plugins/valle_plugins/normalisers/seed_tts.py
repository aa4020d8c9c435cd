"""The rule of seed-tts-eval, so that figures can be held against published ones."""

from __future__ import annotations

import string
import unicodedata
from typing import ClassVar

from valle_engine.parts import Normaliser

BY_CHARACTER = frozenset({"zh"})
FULL_WIDTH = "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､。！？｡·〾〿〰"  # noqa: RUF001 - Chinese marks


class SeedTts(Normaliser):
    """Take punctuation away (but `'`) and write English small; Chinese is compared by character.

    Numbers stay as they are written, so that `50` for `fifty` is an error: the published figures count it as one.
    Traditional characters are not made simplified ones.
    """

    name: ClassVar[str] = "seed-tts"

    def __call__(self, text: str, language: str) -> str:
        """The text without marks: words in most languages, characters in Chinese."""
        kept = "".join(character for character in text if not _mark(character))
        if language[:2].lower() in BY_CHARACTER:
            return " ".join("".join(kept.split()))
        return " ".join(kept.split()).lower()


def _mark(character: str) -> bool:
    if character == "'":
        return False
    return character in string.punctuation or character in FULL_WIDTH or unicodedata.category(character)[0] == "P"
