"""English as the Whisper paper compares it (Radford et al. 2022, arXiv:2212.04356, appendix C), written anew."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, ClassVar

from valle_engine.parts import Normaliser
from valle_plugins.normalisers.numbers import digits_of_words
from valle_plugins.normalisers.plain import APOSTROPHES, words_only
from valle_plugins.normalisers.spellings import AMERICAN

if TYPE_CHECKING:
    from collections.abc import Callable

ASIDES = re.compile(r"[<\[][^>\]]*[>\]]|\([^)]*\)")
FILLERS = re.compile(r"\b(?:hmm|mm|mhm|mmm|uh|um)\b")
BEFORE_APOSTROPHE = re.compile(r"\s+'")
IN_NUMBERS = re.compile(r"(?<=\d),(?=\d)")
NO_DECIMAL_POINT = re.compile(r"\.(?!\d)")
KEPT_SYMBOLS = ".%$¢€£"
MONEY = {"dollars": "$", "dollar": "$", "pounds": "£", "pound": "£", "euros": "€", "euro": "€"}
MONEY_AFTER = re.compile(rf"(\d+(?:\.\d+)?) ({'|'.join(MONEY)})\b")
POINT = re.compile(r"(\d+) point ((?:\d )*\d+)\b")
PERCENT = re.compile(r"(\d) (?:percent|per cent)\b")
ZERO_ALONE = re.compile(r"\b0+(\d)\b(?! ?[%.])")

SPOKEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\bwon't\b", "will not"),
        (r"\bcan't\b", "can not"),
        (r"\blet's\b", "let us"),
        (r"\bain't\b", "aint"),
        (r"\by'all\b", "you all"),
        (r"\bwanna\b", "want to"),
        (r"\bgotta\b", "got to"),
        (r"\bgonna\b", "going to"),
        (r"\bi'ma\b", "i am going to"),
        (r"\bimma\b", "i am going to"),
        (r"\bwoulda\b", "would have"),
        (r"\bcoulda\b", "could have"),
        (r"\bshoulda\b", "should have"),
        (r"\bma'am\b", "madam"),
        (r"\bmr\b", "mister "),
        (r"\bmrs\b", "missus "),
        (r"\bst\b", "saint "),
        (r"\bdr\b", "doctor "),
        (r"\bprof\b", "professor "),
        (r"\bcapt\b", "captain "),
        (r"\bgov\b", "governor "),
        (r"\bgen\b", "general "),
        (r"\bsen\b", "senator "),
        (r"\brep\b", "representative "),
        (r"\brev\b", "reverend "),
        (r"\bhon\b", "honorable "),
        (r"\bjr\b", "junior "),
        (r"\bsr\b", "senior "),
        (r"'d been\b", " had been"),
        (r"'s been\b", " has been"),
        (r"'d gone\b", " had gone"),
        (r"'s gone\b", " has gone"),
        (r"'d done\b", " had done"),
        (r"'s got\b", " has got"),
        (r"n't\b", " not"),
        (r"'re\b", " are"),
        (r"'s\b", " is"),
        (r"'d\b", " would"),
        (r"'ll\b", " will"),
        (r"'t\b", " not"),
        (r"'ve\b", " have"),
        (r"'m\b", " am"),
    )
)
"""Contractions and titles in full, the longer ones first."""


class Whisper(Normaliser):
    """English as the Whisper paper compares it, other languages by its basic rule.

    English: asides in brackets and fillers are left out, contractions and titles are written in full, number words
    become digits and British spellings American. Others: asides, marks and symbols are left out; those without spaces
    are compared by character.
    """

    name: ClassVar[str] = "whisper"

    def __call__(self, text: str, language: str) -> str:
        """The text as the paper compares it."""
        return _english(text) if language[:2].lower() == "en" else _other(text, language)


def _english(text: str) -> str:
    plain = FILLERS.sub(" ", ASIDES.sub(" ", text.translate(APOSTROPHES).lower()))
    plain = BEFORE_APOSTROPHE.sub("'", plain)
    for pattern, replacement in SPOKEN:
        plain = pattern.sub(replacement, plain)
    plain = NO_DECIMAL_POINT.sub(" ", IN_NUMBERS.sub("", plain))
    return " ".join(AMERICAN.get(word, word) for word in _numbers(_marks_out(plain)).split())


def _marks_out(text: str) -> str:
    """Letters without their accents, digits, and the symbols that belong to numbers; the rest are spaces."""
    decomposed = unicodedata.normalize("NFKD", text.replace("'", ""))
    return "".join(_kept(character) for character in decomposed)


def _kept(character: str) -> str:
    if unicodedata.category(character) == "Mn":
        return ""
    return character if character in KEPT_SYMBOLS or unicodedata.category(character)[0] in "LN" else " "


def _numbers(text: str) -> str:
    """Number words, money and percent as digits and signs; a sign without a number is left out."""
    digits = POINT.sub(lambda found: f"{found[1]}.{found[2].replace(' ', '')}", digits_of_words(text))
    steps: tuple[Callable[[str], str], ...] = (
        lambda each: PERCENT.sub(r"\1%", each),
        lambda each: MONEY_AFTER.sub(lambda found: f"{MONEY[found[2]]}{found[1]}", each),
        lambda each: re.sub(r"[.$¢€£](?!\d)", " ", each),
        lambda each: re.sub(r"(?<!\d)%", " ", each),
        lambda each: ZERO_ALONE.sub(r"\1", each),
    )
    for step in steps:
        digits = step(digits)
    return digits


def _other(text: str, language: str) -> str:
    plain = words_only(unicodedata.normalize("NFKC", ASIDES.sub(" ", text)).lower()).replace("'", " ")
    apart = language[:2].lower() in {"zh", "ja", "th", "lo", "my"}
    return " ".join("".join(plain.split())) if apart else " ".join(plain.split())
