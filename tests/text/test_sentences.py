"""Texts are cut where sentences end, and nothing is lost."""

import pytest

from valle_engine.errors import ItemError
from valle_engine.text.sentences import split_sentences


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("en", 'Mr. Smith went 3.5 km. "Why?" said she.', ["Mr. Smith went 3.5 km.", '"Why?" said she.']),
        ("de", "Das ist z.B. so. Und nun?", ["Das ist z.B. so.", "Und nun?"]),
        ("ja", "これは本です。あれは何ですか。", ["これは本です。", "あれは何ですか。"]),
        ("en-GB", "One line without an end", ["One line without an end"]),
        ("en", "  ", []),
    ],
)
def test_sentences(language, text, sentences):
    assert split_sentences(text, language) == sentences


def test_an_unknown_language_is_told():
    with pytest.raises(ItemError, match="no language"):
        split_sentences("Hello.", "xx")
