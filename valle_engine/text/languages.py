"""The six languages of the released format."""

from __future__ import annotations

from dataclasses import dataclass

from valle_engine.errors import ItemError


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code, its row in the model's language table, and its espeak-ng voice."""

    code: str
    id: int
    voice: str


LANGUAGES = {
    language.code: language
    for language in (
        Language("en", 0, "en-us"),
        Language("ja", 1, "ja"),
        Language("de", 2, "de"),
        Language("fr", 3, "fr-fr"),
        Language("zh", 4, "cmn-latn-pinyin"),
        Language("ko", 5, "ko"),
    )
}


def find_language(code: str) -> Language:
    """The language of a code; a region (`zh-TW`, `en_GB`) is left aside. Raises `ItemError` for any other."""
    primary = code.strip().replace("_", "-").partition("-")[0].lower()
    if primary not in LANGUAGES:
        raise ItemError(f"no language {code!r}; the model knows: {', '.join(LANGUAGES)}")
    return LANGUAGES[primary]
