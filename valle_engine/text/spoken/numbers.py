"""Numbers in words, in the six languages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

LONGEST = 15
"""Digits of the longest number that is said as one; longer ones, as of telephones, are said digit by digit."""
ROMAN = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
"""A Roman numeral below 400."""
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_GROUPED = {"en": ",", "ja": ",", "zh": ",", "ko": ",", "de": ".", "fr": "."}


LETTER = "[0-9A-Za-zÀ-ɏ]"
BEGIN, END = rf"(?<!{LETTER})(?<![0-9][.,])", rf"(?!{LETTER})"
"""Edges of a word that holds in scripts without spaces too: there a number may stand right beside a character."""


def written_form(language: str) -> str:
    """A regular expression of numbers as the language writes them, with groups of thousands and decimals."""
    point, group = (",", r"[.\u00a0\u202f ]") if language in {"de", "fr"} else (r"\.", ",")
    return rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?![0-9])|[0-9]+)(?:{point}[0-9]+)?(?![0-9])"


def number(written: str, language: str) -> str:
    """Words of a number as the language writes it."""
    return cardinal(plain(written, language), language)


def plain(written: str, language: str) -> str:
    """A number as Python writes it."""
    digits = re.sub(r"\s", "", written).replace(_GROUPED.get(language, ","), "")
    return digits.replace(",", ".")


def cardinal(digits: str | int, language: str) -> str:
    """Words of a number as Python writes it."""
    text = str(digits)
    whole = text.partition(".")[0].lstrip("-")
    if len(whole) > LONGEST or (len(whole) > 1 and whole[0] == "0"):
        return spelled(text, language)
    return _words(Decimal(text) if "." in text else int(text), language, "cardinal")


def ordinal(value: int, language: str) -> str:
    """Words of a place in a row."""
    return _words(value, language, "ordinal")


def year(value: int, language: str) -> str:
    """Words of a year."""
    return _words(value, language, "year" if language in {"en", "de", "fr"} else "cardinal")


def spelled(digits: str, language: str) -> str:
    """Words of the digits, one by one."""
    between = "" if language in {"ja", "zh"} else " "
    return between.join(_words(int(digit), language, "cardinal") for digit in digits if digit.isdecimal())


def roman(numeral: str) -> int:
    """The value of a Roman numeral."""
    values = [_VALUES[letter] for letter in numeral.upper()]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def _words(value: int | Decimal, language: str, form: Literal["cardinal", "ordinal", "year"]) -> str:
    from num2words2 import num2words  # noqa: PLC0415 - eight megabytes that only a text with numbers needs

    # English groups of words are parted by commas, which would be read as pauses.
    said = num2words(value, lang=language, to=form)  # type: ignore[no-untyped-call]
    return str(said).replace(",", "")
