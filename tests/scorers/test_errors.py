"""Error rates against tables counted by hand, and against jiwer's own figures."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.parts import Heard, Take
from valle_engine.records import Outcome
from valle_engine.testing import check_scorer
from valle_plugins.scorers.errors import CharacterErrorRate, PhonemeErrorRate, Repetition, WordErrorRate
from valle_plugins.scorers.phones import phones


@pytest.mark.parametrize(
    ("expected", "said", "rate", "substitutions", "deletions", "insertions", "longest"),
    [
        ("a b c d", "a b c d", 0, 0, 0, 0, 0),
        ("a b c d", "a x c", 0.5, 1, 1, 0, 1),
        ("a b c d", "", 1, 0, 4, 0, 4),
        ("a b c d", "x y z w", 1, 4, 0, 0, 4),
        ("a b c d e f", "a x y d f", 0.5, 2, 1, 0, 2),
        ("a b", "a b and on it goes", 2, 0, 0, 4, 4),
        ("", "", 0, 0, 0, 0, 0),
        ("", "x y", 2, 0, 0, 2, 2),
        ("naïve café", "naive café", 0.5, 1, 0, 0, 1),
        ("안녕 하세요", "안녕하세요", 1, 1, 1, 0, 2),
    ],
)
def test_words_are_counted_as_by_hand(heard, expected, said, rate, substitutions, deletions, insertions, longest):
    [figures] = WordErrorRate().score([heard(expected, said)])
    assert figures["wer"] == rate
    counts = [figures[f"wer.{name}"] for name in ("substitutions", "deletions", "insertions", "longest")]
    assert counts == [substitutions, deletions, insertions, longest]
    assert figures["wer.words"] == len(expected.split())
    assert figures["wer.errors"] == substitutions + deletions + insertions


@pytest.mark.parametrize(
    ("expected", "said", "language", "rate"),
    [
        ("ab c", "ab c", "en", 0),
        ("ab c", "abc", "en", 0.25),
        ("你 好 世界", "你好世界", "zh", 0),
        ("你好世界", "你好世间", "zh", 0.25),
        ("東京 です", "東京です", "ja", 0),
        ("안녕", "안녕 ", "ko", 0),
        ("", "ab", "en", 2),
    ],
)
def test_characters_are_counted_as_by_hand(heard, expected, said, language, rate):
    [figures] = CharacterErrorRate().score([heard(expected, said, language)])
    assert figures["cer"] == rate


TEXTS = st.text("ab cé", max_size=12).map(lambda text: " ".join(text.split()))


@given(expected=TEXTS, said=TEXTS)
def test_words_and_characters_are_those_of_jiwer(expected, said):
    take = Take({}, Outcome("item", "done", ""), None, Heard(said, said, expected, "en"))
    words, characters = jiwer.process_words(expected, said), jiwer.process_characters(expected, said)
    [wer], [cer] = WordErrorRate().score([take]), CharacterErrorRate().score([take])
    assert wer["wer"] == words.wer
    assert cer["cer"] == characters.cer
    assert (wer["wer.substitutions"], wer["wer.deletions"], wer["wer.insertions"]) == (
        words.substitutions,
        words.deletions,
        words.insertions,
    )


def test_the_corpus_figure_is_that_of_jiwer_over_all(heard):
    pairs = [("a b c d", "a b x"), ("e f", "e f g h i"), ("one", ""), ("two words", "two words")]
    figures = WordErrorRate().score([heard(*pair) for pair in pairs])
    above, below = WordErrorRate.corpus
    whole = jiwer.process_words([expected for expected, _ in pairs], [said for _, said in pairs])
    assert sum(each[above] for each in figures) / sum(each[below] for each in figures) == whole.wer


@pytest.mark.parametrize("scorer", [WordErrorRate(), CharacterErrorRate(), PhonemeErrorRate(), Repetition(length=2)])
def test_a_text_scorer_keeps_the_contract(scorer, heard):
    check_scorer(scorer, [heard("kwˈɪk bɹˈaʊn", "kwˈɪk"), heard("", ""), heard("fˈɑːks", "fˈɑːks fˈɑːks fˈɑːks")])


def test_phones_are_letters_with_what_modifies_them():
    assert phones("ðə fˈɑːks, ɔ̃ t͡ʃ nʲ!") == [["ð", "ə"], ["f", "ɑː", "k", "s"], ["ɔ̃"], ["t͡ʃ"], ["nʲ"]]


@pytest.mark.parametrize(
    ("expected", "said", "rate", "wrong"),
    [
        ("kwˈɪk bɹˈaʊn", "kwɪkbɹaʊn", 0, 0),
        ("kwɪk bɹaʊn", "kwɪk", 5 / 9, 1 / 2),
        ("a b", "a x b", 1 / 2, 1 / 2),
        ("iː", "i", 1, 1),
        ("", "a", 1, 0),
    ],
)
def test_phonemes_are_counted_without_stress_and_spaces(heard, expected, said, rate, wrong):
    [figures] = PhonemeErrorRate().score([heard(expected, said)])
    assert figures["per"] == rate
    assert figures["per.wrong-words"] == wrong


@pytest.mark.parametrize(
    ("expected", "said", "share"),
    [
        ("abcd", "abcd", 0),
        ("abcd", "abcdabcd", 3 / 7),
        ("abcd abcd", "abcdabcd", 0),
        ("abcd", "", 0),
        ("ab", "ababab", 3 / 5),
    ],
)
def test_what_is_said_more_often_than_written_is_repetition(heard, expected, said, share):
    [figures] = Repetition(length=2).score([heard(expected, said)])
    assert figures["repetition"] == pytest.approx(share)
