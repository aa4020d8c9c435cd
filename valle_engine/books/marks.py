"""Marks in a text: the elements of SSML that make sense for a book, and what HTML has for the same.

`<break time="1s"/>`, `<voice name="Hatter">`, `<emphasis>`, `<phoneme alphabet="ipa" ph="…">`, `<lang xml:lang="fr">`,
`<sub alias="…">` (Speech Synthesis Markup Language 1.1), and the attributes `ssml:ph` (EPUB 3), `xml:lang`, `lang` and
`data-speaker`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from valle_engine.books.xml import attribute

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = frozenset({"break", "voice", "emphasis", "phoneme", "lang", "speak"})
"""Elements that HTML does not have."""
STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 2.0}
LONGEST_PAUSE = 60.0
_TIME = re.compile(r"\+?(\d{1,4}(?:\.\d{1,3})?|\.\d{1,3})(ms|s)")
_TWO_LETTERS = {
    "eng": "en",
    "deu": "de",
    "ger": "de",
    "fra": "fr",
    "fre": "fr",
    "jpn": "ja",
    "zho": "zh",
    "chi": "zh",
    "cmn": "zh",
    "kor": "ko",
}
"""ISO 639-2 and 639-3, as some tools write them."""
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})
_STRESSED = frozenset({"em", "strong", "emphasis"})


@dataclass(frozen=True, slots=True)
class Manner:
    """The marks that hold at a place in the text; `level` is that of a heading around it, or 0."""

    language: str = ""
    speaker: str = ""
    emphasis: bool = False
    alias: str = ""
    phonemes: str = ""
    alphabet: str = "ipa"
    level: int = 0


def manner_of(element: Any, name: str, around: Manner, warn: Callable[[str], None]) -> Manner:
    """What holds inside an element. `warn` is told of what cannot be used and is dropped."""
    if not element.attrib and name not in _STRESSED:
        return around
    inside = around
    if language := attribute(element, "lang"):
        inside = replace(inside, language=primary(language))
    if speaker := attribute(element, "data-speaker") or (attribute(element, "name") if name == "voice" else ""):
        inside = replace(inside, speaker=speaker)
    if name in _STRESSED:
        inside = replace(inside, emphasis=attribute(element, "level") not in {"none", "reduced"})
    if name == "sub" and attribute(element, "alias"):
        inside = replace(inside, alias=attribute(element, "alias"))
    return _pronounced(element, inside, warn)


def _pronounced(element: Any, inside: Manner, warn: Callable[[str], None]) -> Manner:
    inside = replace(inside, alphabet=attribute(element, "alphabet").lower() or inside.alphabet)
    phonemes = attribute(element, "ph")
    if not phonemes:
        return inside
    if inside.alphabet != "ipa":
        warn(f"phonemes in the alphabet {inside.alphabet!r} are dropped; write them in ipa")
        return inside
    return replace(inside, phonemes=phonemes)


def pause_of(element: Any, warn: Callable[[str], None]) -> float | None:
    """Seconds of a `break`; None for one that says nothing that can be done."""
    time, strength = attribute(element, "time"), attribute(element, "strength") or "medium"
    if not time:
        if strength not in STRENGTHS:
            warn(f"a break of strength {strength!r} is dropped; there are: {', '.join(STRENGTHS)}")
        return STRENGTHS.get(strength)
    found = _TIME.fullmatch(time)
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else LONGEST_PAUSE + 1
    if seconds > LONGEST_PAUSE:
        warn(f"a break of time {time!r} is dropped; write it as 1.5s or 500ms, {LONGEST_PAUSE:g}s at most")
        return None
    return seconds


def primary(language: str) -> str:
    """The language without its region or script, in two letters where it has two: `en` of `en-GB` and of `eng`.

    Empty for what names no language.
    """
    code = language.strip().replace("_", "-").partition("-")[0].lower()
    return "" if code in _NO_LANGUAGE else _TWO_LETTERS.get(code, code)
