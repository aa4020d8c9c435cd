import sys

import pytest

from valle_engine.errors import ItemError
from valle_engine.text import LANGUAGES, TextFrontEnd, detect_language, detection, find_language


def test_ids_are_rows_of_the_models_language_table():
    assert {code: language.id for code, language in LANGUAGES.items()} == {
        "en": 0,
        "ja": 1,
        "de": 2,
        "fr": 3,
        "zh": 4,
        "ko": 5,
    }


@pytest.mark.parametrize(("code", "meant"), [("zh-cn", "zh"), ("zh-TW", "zh"), ("EN_gb", "en"), (" de ", "de")])
def test_a_region_is_left_aside(code, meant):
    assert find_language(code).code == meant


@pytest.mark.parametrize("code", ["tl", "", "english", "e"])
def test_an_unknown_language_lists_the_six(code):
    with pytest.raises(ItemError, match="the model knows: en, ja, de, fr, zh, ko"):
        find_language(code)


def test_a_text_without_words_cannot_be_told():
    with pytest.raises(ItemError, match=r"cannot tell the language of '12:30'; set it to one of: en, ja"):
        detect_language("12:30")


def test_detection_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lingua", None)
    detection._detector.cache_clear()
    with pytest.raises(ItemError, match=r"pip install 'valle-engine\[detect\]'"):
        detect_language("hello")


def test_a_detected_language_is_also_the_models_where_the_reference_says_english(tokenizer):
    utterance = TextFrontEnd(tokenizer).prepare("Guten Morgen, wie geht es dir?", "auto")
    assert (utterance.language.id, utterance.phonemes) == (2, "ɡˈuːtən mˈɔɾɡən, viː ɡˈeːt ɛs dˈiːɾ?")


def test_a_normaliser_rewrites_the_text_in_its_language(tokenizer):
    def shout(text, language):
        return f"{text} {language.code} x"

    plain, rewritten = TextFrontEnd(tokenizer), TextFrontEnd(tokenizer, shout)
    assert rewritten.prepare("hello", "en").phonemes == plain.prepare("hello en x", "en").phonemes
