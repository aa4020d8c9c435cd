"""Phonemes as the units of an error rate."""

from __future__ import annotations

import unicodedata

STRESS = "ˈˌ"
TIE = "\u0361"
LENGTH = "ːˑ"


def phones(phonemes: str) -> list[list[str]]:
    """The phones of each word of a text in IPA.

    A phone is a letter with what modifies it: length, accents, raised letters, and the second letter of a tied pair.
    Stress and punctuation are left out: recognisers do not write them.
    """
    words = [_phones(word) for word in phonemes.split()]
    return [word for word in words if word]


def _phones(word: str) -> list[str]:
    found: list[str] = []
    for character in unicodedata.normalize("NFD", word):
        if found and (_modifies(character) or found[-1].endswith(TIE)):
            found[-1] += character
        elif unicodedata.category(character)[0] in "LNS" and character not in STRESS and not _modifies(character):
            found.append(character)
    return found


def _modifies(character: str) -> bool:
    return character not in STRESS and (character in LENGTH or unicodedata.category(character) in {"Mn", "Lm", "Sk"})
