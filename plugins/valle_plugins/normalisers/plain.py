"""Normalisers for every language: nothing at all, and the least that makes texts comparable."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from valle_engine.parts import Normaliser

APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "＇": "'"})  # noqa: RUF001 - the ways an apostrophe is written


class Unchanged(Normaliser):
    """Compare texts as they are written; only white space is made even."""

    name: ClassVar[str] = "none"

    def __call__(self, text: str, language: str) -> str:  # noqa: ARG002 - the same in every language
        """The text with one space between its words."""
        return " ".join(text.split())


class Basic(Normaliser):
    """Compare words alone: compatible forms made one (NFKC), small letters, no punctuation and no symbols.

    Apostrophes inside words stay. Accents stay: they tell words apart.
    """

    name: ClassVar[str] = "basic"

    def __call__(self, text: str, language: str) -> str:  # noqa: ARG002 - the same in every language
        """The words of the text."""
        folded = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
        # Folding may take a text out of its composed form.
        return words_only(unicodedata.normalize("NFKC", folded))


def words_only(text: str) -> str:
    """A text in which whatever is no letter, digit, accent or inner apostrophe is a space between words."""
    kept = "".join(each if _part_of_word(each) else " " for each in text)
    return " ".join(word for raw in kept.split() if (word := raw.strip("'")))


def _part_of_word(character: str) -> bool:
    return character == "'" or unicodedata.category(character)[0] in "LNM"
