import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import espeakng_loader
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import ItemError, ValleError
from valle_engine.text import LANGUAGES, Phonemizer, find_language, kana

ENGLISH, GERMAN, CHINESE, JAPANESE = (LANGUAGES[code] for code in ("en", "de", "zh", "ja"))


def test_importing_the_package_loads_no_espeak():
    code = "import sys, valle_engine.text; sys.exit(bool({'phonemizer', 'lingua', 'pykakasi'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", ["", "  \n\t", "\x00"])
def test_a_text_without_letters_says_that_it_is_empty(phonemizer, text):
    with pytest.raises(ItemError, match="the text is empty, there is nothing to phonemise"):
        phonemizer.phonemes(text, ENGLISH)


def test_a_text_without_sound_says_so(phonemizer):
    with pytest.raises(ItemError, match=r"espeak-ng finds nothing to say in '\\u200b' \(en\)"):
        phonemizer.phonemes("\u200b", ENGLISH)


def test_half_a_surrogate_pair_is_no_text(phonemizer):
    with pytest.raises(ItemError, match="half a surrogate pair"):
        phonemizer.phonemes("say \ud83d", ENGLISH)


def test_words_after_a_nul_are_spoken(phonemizer):
    assert phonemizer.phonemes("hello\x00world", ENGLISH) == phonemizer.phonemes("hello world", ENGLISH)


def test_a_line_may_be_broken_anywhere(phonemizer):
    assert phonemizer.phonemes(" hello \n  world. ", ENGLISH) == phonemizer.phonemes("hello world.", ENGLISH)


def test_composed_and_decomposed_letters_sound_alike(phonemizer):
    assert phonemizer.phonemes("schön", GERMAN) == phonemizer.phonemes("scho\u0308n", GERMAN)


def test_decimals_are_one_number_and_a_comma_after_one_is_punctuation(phonemizer):
    assert phonemizer.phonemes("1.5, 2", ENGLISH) == "wˈʌn pɔɪnt fˈaɪv, tˈuː"


@pytest.mark.parametrize("language", [GERMAN, CHINESE], ids=["de", "zh"])
def test_a_text_sounds_the_same_whatever_was_spoken_before(phonemizer, language):
    # English words in it are read as nouns or verbs by what came last: a house, to house.
    alone = phonemizer.phonemes("house", language)
    for before in ("the", "to house", "they", "would", "he has been", "old"):
        phonemizer.phonemes(before, language)
        assert phonemizer.phonemes("house", language) == alone, before


def test_punctuation_alone_stays(phonemizer):
    assert phonemizer.phonemes("…", ENGLISH) == "…"


def test_german_has_no_symbol_that_the_vocabulary_has_not(phonemizer, tokenizer):
    assert 0 not in tokenizer.encode(phonemizer.phonemes("Fünf hübsche Mütter in München", GERMAN))


def test_chinese_words_are_spelled_by_syllable(phonemizer):
    assert phonemizer.phonemes("我很好", CHINESE) == "wˈoˉ χˈəˉn χˈɑuˉ"


def test_kanji_are_read(phonemizer):
    assert phonemizer.phonemes("東京", JAPANESE) == phonemizer.phonemes("とうきょう", JAPANESE)


def test_what_is_no_japanese_is_neither_lost_nor_said_twice():
    # pykakasi alone drops a character it does not know and may repeat the word before it.
    assert kana.hiragana("今日は😀良い ﬁne 𠮷") == "こんにちは😀よい ﬁne 𠮷"


def test_a_word_without_a_reading_is_refused_and_not_left_out(phonemizer):
    with pytest.raises(ItemError, match="no reading for a character of '你好'; spell it in kana"):
        phonemizer.phonemes("你好 world", JAPANESE)


def test_japanese_without_its_package_says_what_to_install(phonemizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "pykakasi", None)
    kana._reader.cache_clear()
    with pytest.raises(ItemError, match=r"pip install 'valle-engine\[ja\]'"):
        phonemizer.phonemes("東京", JAPANESE)


def test_threads_get_what_one_caller_gets():
    lines = [(f"Line {number}, and then some.", code) for number in range(40) for code in ("en", "de", "fr")]
    alone = [Phonemizer().phonemes(text, find_language(code)) for text, code in lines[:3]]
    shared = Phonemizer()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda line: shared.phonemes(line[0], find_language(line[1])), lines))
    assert together[:3] == alone
    assert together == [shared.phonemes(text, find_language(code)) for text, code in lines]


def test_the_library_is_left_free_for_others(phonemizer):
    phonemizer.phonemes("hello", ENGLISH)
    with pytest.raises(OSError, match="dlopen"):
        ctypes.CDLL(espeakng_loader.get_library_path(), mode=os.RTLD_NOLOAD)


def test_data_in_too_long_a_folder_is_an_error_and_not_the_end_of_the_process(monkeypatch, tmp_path):
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path / ("x" * 150)))
    with pytest.raises(ValleError, match="longer than the 140 bytes espeak-ng can hold"):
        Phonemizer().phonemes("hello", ENGLISH)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_is_spoken_or_refused(text):
    try:
        phonemes = SHARED.phonemes(text, ENGLISH)
    except ItemError:
        return
    assert phonemes == phonemes.strip() != ""
    assert phonemes == SHARED.phonemes(text, ENGLISH)


SHARED = Phonemizer()
