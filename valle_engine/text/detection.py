"""Which of the six languages a text is in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from valle_engine.errors import ItemError
from valle_engine.text.languages import LANGUAGES, Language

if TYPE_CHECKING:
    from lingua import LanguageDetector


def detect_language(text: str) -> Language:
    """The language of a text, among the six only: a short one would often be taken for a neighbour's.

    Raises `ItemError` when the text has no words to tell by, or the package that tells is missing.
    """
    found = _detector().detect_language_of(text)
    if found is None:
        raise ItemError(f"cannot tell the language of {text[:80]!r}; set it to one of: {', '.join(LANGUAGES)}")
    return LANGUAGES[found.iso_code_639_1.name.lower()]


@cache
def _detector() -> LanguageDetector:
    try:
        import lingua  # noqa: PLC0415 - an extra, and 100 MB of language models
    except ImportError:
        raise ItemError(
            "to detect a language, install lingua (pip install 'valle-engine[detect]'), or set the language"
        ) from None
    codes = [lingua.IsoCode639_1.from_str(code) for code in LANGUAGES]
    return lingua.LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
