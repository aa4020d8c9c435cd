"""Normalisers do what their published rules say, and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.plugins import load_plugins
from valle_plugins.normalisers.numbers import TENS as ROUND
from valle_plugins.normalisers.numbers import UNITS, digits_of_words
from valle_plugins.normalisers.plain import Basic, Unchanged
from valle_plugins.normalisers.seed_tts import SeedTts
from valle_plugins.normalisers.whisper import Whisper

OFFERED = {name: load_plugins().normalisers.build(name) for name in load_plugins().normalisers.names()}


def test_four_are_offered_with_versions_of_their_rules():
    assert set(OFFERED) == {"none", "basic", "seed-tts", "whisper"}
    assert all(normaliser.version for normaliser in OFFERED.values())


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize("language", ["en", "de", "zh"])
@given(text=st.text(max_size=60))
def test_what_is_normalised_has_single_spaces(name, language, text):
    once = OFFERED[name](text, language)
    assert once == " ".join(once.split())


@pytest.mark.parametrize("name", ["none", "basic", "seed-tts"])
@given(text=st.text(max_size=60))
def test_what_is_normalised_stays_as_it_is(name, text):
    once = OFFERED[name](text, "en")
    assert OFFERED[name](once, "en") == once


def test_none_keeps_everything_but_white_space():
    assert Unchanged()("  It's\t“Fine”, 50 \n", "en") == "It's “Fine”, 50"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("“Don’t stop”, she said.", "don't stop she said"),
        ("Straße ﬁn", "strasse fin"),
        ("résumé / naïve", "résumé naïve"),
        ("'quoted' words'", "quoted words"),
        ("…", ""),
        ("你好,世界", "你好 世界"),
    ],
)
def test_basic_keeps_words_alone(text, words):
    assert Basic()(text, "en") == words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Don't STOP-it, it's 50!", "en", "don't stopit it's 50"),
        ("fifty", "en", "fifty"),
        ("你好，世界！ 50", "zh", "你 好 世 界 5 0"),
        ("It’s", "en", "its"),
    ],
)
def test_seed_tts_takes_marks_away_and_leaves_numbers(text, language, words):
    assert SeedTts()(text, language) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr. Smith won't pay, uh, [laughs] (aside) he said.", "mister smith will not pay he said"),
        ("I've seen that they'd been there; it's gone.", "i have seen that they had been there it has gone"),
        ("She paid twenty-one dollars", "she paid $21"),
        ("It was five percent of $1,234.50.", "it was 5% of $1234.50"),
        ("The colour of the grey harbours, organised", "the color of the gray harbors organized"),
        ("Café naïve", "cafe naive"),
        ("one of them", "one of them"),
        ("3.14 and 2.", "3.14 and 2"),
        ("", ""),
    ],
)
def test_whisper_writes_english_alike(text, words):
    assert Whisper()(text, "en") == words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Größe, [lacht] ja!", "de", "größe ja"),
        ("你好,世界!", "zh", "你 好 世 界"),
        ("안녕 하세요.", "ko", "안녕 하세요"),
    ],
)
def test_whisper_takes_marks_away_in_other_languages(text, language, words):
    assert Whisper()(text, language) == words


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("zero", "0"),
        ("nineteen", "19"),
        ("twenty one", "21"),
        ("twenty twenty", "20 20"),
        ("nineteen eighty four", "19 84"),
        ("one hundred and five", "105"),
        ("two thousand and five", "2005"),
        ("three million two hundred thousand and four", "3200004"),
        ("5 million", "5000000"),
        ("one two three", "one 2 3"),
        ("twenty first", "21st"),
        ("the fortieth", "the 40th"),
        ("five hundredth", "500th"),
        ("and so on", "and so on"),
        ("a hundred", "a hundred"),
        ("one", "one"),
        ("first", "1st"),
    ],
)
def test_number_words_become_digits(words, digits):
    assert digits_of_words(words) == digits


@given(number=st.integers(0, 999_999))
def test_every_number_is_read_back(number):
    assert digits_of_words(spelled(number)) == (str(number) if number != 1 else "one")


SMALL = [*UNITS]
TENS = [*ROUND]


def spelled(number):
    """English number words."""
    if number >= 1000:
        rest = f" {spelled(number % 1000)}" if number % 1000 else ""
        return f"{spelled(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" and {spelled(number % 100)}" if number % 100 else ""
        return f"{SMALL[number // 100]} hundred{rest}"
    if number >= 20:
        rest = f" {SMALL[number % 10]}" if number % 10 else ""
        return f"{TENS[number // 10 - 2]}{rest}"
    return SMALL[number]
