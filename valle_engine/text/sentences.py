"""Cut a long text where its sentences end."""

from __future__ import annotations

from valle_engine.text.detection import detect_language
from valle_engine.text.languages import find_language


def split_sentences(text: str, language: str) -> list[str]:
    """The sentences of a text, in order and without the space around them; nothing else of it is lost.

    `language` is a code, or `auto`. Raises `ItemError` for an unknown one.
    """
    from sentencex import segment  # noqa: PLC0415 - workers only

    code = (detect_language(text) if language == "auto" else find_language(language)).code
    stripped = (sentence.strip() for sentence in segment(code, text))
    return [sentence for sentence in stripped if sentence]
