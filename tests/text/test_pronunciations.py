import pytest

from valle_engine.text import TextFrontEnd


@pytest.fixture(scope="module")
def front(tokenizer):
    return TextFrontEnd(tokenizer)


def test_words_sound_as_they_are_given_and_the_rest_as_ever(front):
    said = front.prepare("Hello, Dinah! Dinah sleeps.", "en", {"Dinah": "dˈiːnɑː"})
    assert said.phonemes == "həlˈoʊ, dˈiːnɑː! dˈiːnɑː slˈiːps."


def test_a_part_of_a_word_is_no_word(front):
    plain = front.prepare("Dinahs sleep", "en").phonemes
    assert front.prepare("Dinahs sleep", "en", {"Dinah": "dˈiːnɑː"}).phonemes == plain


def test_the_longest_word_is_taken(front):
    said = front.prepare("March Hare", "en", {"March": "x", "March Hare": "mˈɑːtʃ hˈɛə"})
    assert said.phonemes == "mˈɑːtʃ hˈɛə"
