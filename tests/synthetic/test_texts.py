"""Texts: the same for the same key, in every language, of the length that was asked, without a trap for the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.errors import ItemError
from valle_engine.text import LANGUAGES as KNOWN
from valle_engine.text import Phonemizer
from valle_plugins.synthetic.chance import stream
from valle_plugins.synthetic.texts import LANGUAGES, canonical, lexicon, sentence

ENGLISH = "ɑæʌɔaʊaɪɛɜeɪhɪioʊuːbdfɡklmnpɹstvwzðθŋʃʒdʒtʃɚəɾᵻjɐ"
"""Every letter of the phonemes of American English, as espeak-ng writes them."""


@pytest.fixture(scope="module")
def phonemizer():
    return Phonemizer()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_of_the_format_has_words(language):
    assert set(LANGUAGES) == set(KNOWN)
    known = lexicon(language)
    assert len(set(known.function)) > 100
    assert len(set(known.content)) > 500


def test_another_language_is_refused_with_those_there_are():
    with pytest.raises(ItemError, match="no synthetic texts in 'it'; there are in: en, de, fr, ja, zh, ko"):
        sentence("it", (2, 2), 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_has_one_sentence_and_others_have_others(language):
    drawn = [sentence(language, (3, 6), 7, number) for number in range(300)]
    assert drawn == [sentence(language, (3, 6), 7, number) for number in range(300)]
    assert len(set(drawn)) > 295


@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 10**9), st.sampled_from(["en", "de", "fr", "ko"]))
def test_a_sentence_has_as_many_words_as_was_asked(fewest, more, key, language):
    assert fewest <= len(sentence(language, (fewest, fewest + more), key).split()) <= fewest + more


def test_the_shortest_sentences_are_among_them():
    counts = {len(sentence("en", (2, 12), number).split()) for number in range(200)}
    assert counts == set(range(2, 13))


def test_english_sentences_hold_every_sound_of_english(phonemizer):
    spoken = "".join(phonemizer.phonemes(sentence("en", (2, 12), number), KNOWN["en"]) for number in range(300))
    assert set(ENGLISH) <= set(spoken)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_a_list_is_read_as_one_of_another_language(phonemizer, language):
    known = lexicon(language)
    listed = known.joiner.join(dict.fromkeys(known.function + known.content))
    assert "(" not in phonemizer.phonemes(listed, KNOWN[language])


def test_coined_words_are_new_and_korean_ones_are_whole_syllables():
    english, korean = lexicon("en"), lexicon("ko")
    coined = {english.word(stream(number)) for number in range(2000)} - set(english.content)
    assert len(coined) > 150
    assert all("가" <= letter <= "힣" for number in range(300) for letter in korean.word(stream(number)))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Then, THE cat!", "then the cat"),
        ("l'ami  d'hier", "l ami d hier"),
        ("今天，很好。", "今天 很好"),
        ("STRASSE – Straße", "strasse strasse"),
    ],
)
def test_texts_that_are_said_alike_have_one_form(text, plain):
    assert canonical(text) == plain
