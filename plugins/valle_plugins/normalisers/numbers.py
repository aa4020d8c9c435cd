"""English number words as digits."""

from __future__ import annotations

import re

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
UNITS = {word: value for value, word in enumerate(SMALL.split())}
ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = {word: 10 * place for place, word in enumerate(ROUND.split(), 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
ORDINALS = {
    "first": ("one", "st"),
    "second": ("two", "nd"),
    "third": ("three", "rd"),
    "fifth": ("five", "th"),
    "eighth": ("eight", "th"),
    "ninth": ("nine", "th"),
    "twelfth": ("twelve", "th"),
}
DIGITS = re.compile(r"\d+(?:\.\d+)?")


def digits_of_words(text: str) -> str:
    """A text of small words with its number words as digits: `twenty one` is `21`, `two point five` is `2.5`.

    `one` alone stays a word: it is a pronoun as often as a number. Digits before `thousand` and its kin are multiplied.
    """
    return " ".join(_Reader(text.split()).read())


class _Reader:
    """Reads words one after another; number words are gathered until one comes that does not go on."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._out: list[str] = []
        self._total = 0
        self._part: int | None = None
        self._gathered: list[str] = []

    def read(self) -> list[str]:
        for place, word in enumerate(self._words):
            if not self._takes(word, self._words[place + 1] if place + 1 < len(self._words) else ""):
                self._flush()
                self._out.append(word)
        self._flush()
        return self._out

    def _takes(self, word: str, following: str) -> bool:
        """Whether a word is part of a number; then it is gathered."""
        cardinal, suffix = _cardinal(word)
        if cardinal in UNITS or cardinal in TENS:
            self._add(cardinal)
        elif cardinal == "hundred" and self._part is not None and self._part < 100:
            self._part = max(1, self._part) * 100
        elif cardinal in SCALES and self._part is not None:
            self._total += self._part * SCALES[cardinal]
            self._part = 0
        elif word.isdecimal() and following in SCALES and self._part is None:
            self._part = int(word)
        elif word == "and" and self._part is not None and self._part % 100 == 0 and _continues(following):
            self._gathered.append(word)
            return True
        else:
            return False
        self._gathered.append(word)
        if suffix:
            self._flush(suffix)
        return True

    def _add(self, word: str) -> None:
        value = UNITS.get(word, TENS.get(word, 0))
        room = self._part if self._part is not None else -1
        fits_unit = word in UNITS and 0 < value < 10 and room >= 20 and room % 10 == 0
        fits_rest = room >= 100 and room % 100 == 0
        begun = room == 0 and self._total > 0
        if self._part is None or not (fits_unit or fits_rest or begun):
            self._flush()
            self._part = value
            return
        self._part += value

    def _flush(self, suffix: str = "") -> None:
        if self._part is None:
            return
        alone = self._gathered == ["one"] and not suffix
        self._out.append("one" if alone else f"{self._total + self._part}{suffix}")
        self._total, self._part, self._gathered = 0, None, []


def _continues(word: str) -> bool:
    cardinal, _ = _cardinal(word)
    return cardinal in UNITS or cardinal in TENS


def _cardinal(word: str) -> tuple[str, str]:
    """The cardinal of a number word, and the ending of its ordinal, empty for a cardinal."""
    if word in ORDINALS:
        return ORDINALS[word]
    if word.endswith("ieth"):
        return f"{word[:-4]}y", "th"
    stem = word.removesuffix("th")
    known = stem in UNITS or stem in SCALES or stem == "hundred"
    return (stem, "th") if stem != word and known else (word, "")
