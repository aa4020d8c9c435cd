import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from valle_engine.training.layout import SPLITS, Catalogue, Entry, Layout, chosen_split


def entry(number, speaker="a", split=""):
    return Entry(hashlib.sha256(f"{speaker}{number}".encode()).digest(), f"{speaker}-{number}", speaker, split)


def catalogue(entries, **options):
    made = Catalogue(Layout(**options))
    for each in entries:
        made.add(each)
    return made


COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(counts=COUNTS, size=st.integers(1, 20), group=st.integers(1, 8), share=st.sampled_from([0, 0.2, 0.5]))
@settings(max_examples=40)
def test_every_entry_lies_in_one_shard_and_speakers_stay_together(counts, size, group, share):
    entries = [entry(number, f"s{who}") for who, count in enumerate(counts) for number in range(count)]
    shards = list(catalogue(entries, shard_examples=size, group=group, validation=share, test=share).shards())
    assert sorted(place for shard in shards for place in shard.places) == list(range(len(entries)))
    splits = {}
    for shard in shards:
        there = Counter(entries[place].speaker for place in shard.places)
        assert all(count >= min(group, counts[int(name[1:])]) for name, count in there.items())
        assert all(splits.setdefault(name, shard.split) == shard.split for name in there)
        assert len(shard.places) < size + 2 * group


@given(counts=COUNTS, random=st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_the_manifest_changes_nothing(counts, random):
    entries = [entry(number, f"s{who}") for who, count in enumerate(counts) for number in range(count)]
    shuffled = random.sample(entries, len(entries))

    def contents(some):
        shards = catalogue(some, shard_examples=8, group=2).shards()
        return [(shard.split, shard.digest, [some[place].id for place in shard.places]) for shard in shards]

    assert contents(shuffled) == contents(entries)


def test_another_content_is_another_digest():
    [first] = catalogue([entry(1, split="train")]).shards()
    [second] = catalogue([entry(2, split="train")]).shards()
    assert first.digest != second.digest


def test_speakers_fall_into_splits_by_their_shares():
    layout = Layout(validation=0.1, test=0.2)
    found = Counter(chosen_split(entry(0, f"speaker {number}"), layout) for number in range(3000))
    assert found["test"] == pytest.approx(600, abs=100)
    assert found["validation"] == pytest.approx(300, abs=80)


def test_one_speaker_is_split_by_utterance_when_asked():
    entries = [entry(number) for number in range(300)]
    layout = {"validation": 0.2, "test": 0.2}
    by_speaker = {shard.split for shard in catalogue(entries, **layout).shards()}
    by_utterance = {shard.split for shard in catalogue(entries, split_by="utterance", **layout).shards()}
    assert (len(by_speaker), by_utterance) == (1, set(SPLITS))


def test_a_row_s_own_split_comes_first():
    entries = [entry(number, split=SPLITS[number % 3]) for number in range(9)]
    shards = {shard.split: len(shard.places) for shard in catalogue(entries, validation=1, test=0).shards()}
    assert shards == dict.fromkeys(SPLITS, 3)


def test_shares_of_more_than_all_are_refused():
    with pytest.raises(ValidationError, match=r"validation and test are 1\.2 of all together"):
        Layout(validation=0.6, test=0.6)


def test_nothing_gives_no_shards():
    assert list(catalogue([]).shards()) == []
