"""The corpus: rows that follow from their seed, speakers together, a wall between what is learnt from and the rest."""

import tracemalloc
from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valle_engine.errors import ItemError
from valle_plugins.synthetic.corpus import Corpus, Utterance
from valle_plugins.synthetic.recipes import Flite, Formant, Voice, read_recipe
from valle_plugins.synthetic.splits import split_of
from valle_plugins.synthetic.texts import canonical

FIRST = {
    "id": "s1-000000-00000",
    "text": "Simple were yet speak toffee.",
    "language": "en",
    "speaker": "s1-000000",
    "split": "train",
    "synthetic": "formant:1:0:178:49:40",
}
LAST = {
    "id": "s1-000001-00000",
    "text": "くち けしき さえ ぞう しかし、 みゃが なにも かじ おと わたしの。",
    "language": "ja",
    "speaker": "s1-000001",
    "split": "train",
    "synthetic": "formant:1:1:167:51:37",
}


def test_the_corpus_of_a_seed_stays_what_it_is():
    first, *_, last = Corpus(seed=1, languages=("en", "ja")).utterances(9)
    assert first.row() == FIRST
    assert last.row() == LAST


def test_a_row_and_its_utterance_are_one():
    utterance = next(Corpus().utterances())
    assert Utterance.of({**utterance.row(), "more": 1}) == utterance


def test_a_speaker_speaks_group_by_group_and_no_id_comes_twice():
    rows = list(Corpus(speakers=3, group=4).utterances(30))
    assert len({row.id for row in rows}) == 30
    groups = [(speaker, len(list(group))) for speaker, group in groupby(rows, key=lambda row: row.speaker)]
    assert [length for _, length in groups] == [4] * 7 + [2]
    names = [speaker for speaker, _ in groups]
    assert len(set(names)) == 3
    assert names == (names[:3] * 3)[:8]


def test_without_a_bound_every_group_has_a_new_speaker():
    assert len({row.speaker for row in Corpus(group=2).utterances(40)}) == 20


def test_what_a_speaker_says_depends_neither_on_the_split_asked_nor_on_the_group():
    everyone = {row.id: row for row in Corpus(group=2).utterances(400)}
    tested = list(Corpus(split="test", group=1).utterances(5))
    assert all(everyone[row.id] == row for row in tested)


def test_a_speaker_and_all_it_says_lie_in_one_split():
    for row in Corpus(group=1).utterances(300):
        assert row.split == split_of(row.speaker) == split_of(canonical(row.text))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_holds_its_own_alone(split):
    assert {row.split for row in Corpus(split=split).utterances(40)} == {split}


def test_the_splits_have_their_shares():
    counts = Counter(split_of(Voice(0, number).name) for number in range(4000))
    assert counts["test"] == pytest.approx(200, rel=0.25)
    assert counts["validation"] == pytest.approx(200, rel=0.25)


def test_speakers_take_the_languages_in_turn():
    rows = Corpus(languages=("en", "de", "zh"), group=1, speakers=6).utterances(12)
    assert [row.language for row in rows] == ["en", "de", "zh"] * 4


def test_voices_of_flite_are_a_share_speak_english_and_are_never_kept_out():
    rows = list(Corpus(languages=("de",), flite=0.3, group=1).utterances(300))
    flite = [row for row in rows if row.synthetic.startswith("flite:")]
    assert len(flite) == pytest.approx(90, rel=0.25)
    assert {(row.language, row.split) for row in flite} == {("en", "train")}
    assert not {row.speaker for row in flite} & {row.speaker for row in rows if row not in flite}


def test_a_long_list_takes_no_more_memory_than_a_short_one():
    rows = Corpus(speakers=50, group=1).utterances()
    for _ in range(200):
        next(rows)
    tracemalloc.start()
    for _ in range(500):
        next(rows)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 50_000


NUMBERS, MANNERS = st.integers(0, 10**18 - 1), st.integers(0, 99)
FORMANTS = st.builds(Formant, NUMBERS, NUMBERS, st.integers(80, 450), MANNERS, MANNERS)
FLITES = st.builds(Flite, st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True), st.integers(10, 999), st.integers(10, 999))


@given(FORMANTS | FLITES)
def test_a_recipe_reads_back(recipe):
    assert read_recipe(str(recipe)) == recipe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "formant",
        "formant:1:2:3:4",
        "formant:1:2:170:50:-5",
        "formant:1:2:170:500:5",
        "formant:1:2:1\u06670:50:50",
        "flite:slt:100:200;ls",
        "x:1:2:170:50:50",
    ],
)
def test_what_is_no_recipe_is_refused_with_an_example(text):
    with pytest.raises(ItemError, match="no recipe of a synthetic voice, such as 'formant:"):
        read_recipe(text)
