from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.corpora import CODEC, example, examples, plain
from valle_engine.errors import StoreError
from valle_engine.testing import FakeCodec
from valle_engine.training.examples import CodecFacts
from valle_engine.training.layout import Layout
from valle_engine.training.packing import write_corpus
from valle_engine.training.shards import Shards
from valle_engine.training.wire import from_bytes, to_bytes

ALL_TRAIN = {"validation": 0, "test": 0}


@pytest.fixture
def corpus(tmp_path):
    def corpus(some, **options):
        return write_corpus(tmp_path / "corpus", some, CODEC, Layout(**{**ALL_TRAIN, **options})).parent

    return corpus


def ids(stream):
    return [each.id for each in stream]


@pytest.mark.parametrize("noisy", [False, True])
def test_an_example_is_the_same_after_its_way_through_bytes(noisy):
    one = example(1, frames=7, noisy=noisy)
    again, codec = from_bytes(to_bytes(one, CODEC))
    assert (plain(again), codec) == (plain(one), CODEC)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]\n", to_bytes(example(1), CODEC)[:-1]])
def test_bytes_that_are_no_example_are_refused(data):
    with pytest.raises(StoreError, match="is no example"):
        from_bytes(data)


def test_what_is_streamed_is_what_was_written(corpus):
    some = [example(1), example(2, "b", frames=1), example(3, noisy=True), example(4, "b", frames=9, noisy=True)]
    stream = Shards(corpus(some)).stream(seed=0, epoch=0)
    assert sorted(map(plain, stream)) == sorted(map(plain, some))


@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    shard=st.integers(1, 9),
    world=st.integers(1, 4),
    epoch=st.integers(0, 3),
    data=st.data(),
)
@settings(max_examples=30)
def test_ranks_and_resumes_give_each_example_once(tmp_path_factory, counts, shard, world, epoch, data):
    some = examples(*counts)
    layout = Layout(shard_examples=shard, group=2, **ALL_TRAIN)
    shards = Shards(write_corpus(tmp_path_factory.mktemp("corpus"), some, CODEC, layout).parent)
    whole = [ids(shards.stream(7, epoch, rank, world)) for rank in range(world)]
    assert sorted(chain.from_iterable(whole)) == sorted(each.id for each in some)
    assert max(map(len, whole)) - min(map(len, whole)) <= 1
    for rank, given_ids in enumerate(whole):
        start = data.draw(st.integers(0, len(given_ids) + 1))
        assert ids(shards.stream(7, epoch, rank, world, start)) == given_ids[start:]


def test_ranks_take_turns_in_one_order(corpus):
    shards = Shards(corpus(examples(30, 30), shard_examples=4, group=2))
    alone = ids(shards.stream(1, 2))
    halves = [ids(shards.stream(1, 2, rank, 2)) for rank in range(2)]
    assert [each for pair in zip(*halves, strict=True) for each in pair] == alone


def test_epochs_and_seeds_have_orders_of_their_own(corpus):
    shards = Shards(corpus(examples(40)))
    orders = [ids(shards.stream(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert ids(shards.stream(0, 0)) == orders[0]
    assert len({tuple(order) for order in orders}) == 4


def test_a_skipped_window_is_not_read(corpus):
    folder = corpus(examples(*[4] * 20), shard_examples=4, group=4)
    shards = Shards(folder)
    assert len(list(folder.glob("train-*.parquet"))) == 20
    late = ids(shards.stream(0, 0))[-10:]
    for path in folder.glob("train-*.parquet"):
        path.write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be read as a shard"):
        next(shards.stream(0, 0))
    assert list(shards.stream(0, 0, start=80)) == []
    assert len(late) == 10


def test_few_shards_are_open_at_a_time(corpus):
    stream = Shards(corpus(examples(*[4] * 20), shard_examples=4, group=4)).stream(0, 0)
    assert max(len(stream._shards) for _ in stream) == 8


def test_others_are_those_of_the_speaker_wherever_the_stream_begins(corpus):
    shards = Shards(corpus(examples(10, 3, 1), shard_examples=6, group=3))
    found = {}
    for world, start in [(1, 0), (2, 0), (2, 1)]:
        for rank in range(world):
            stream = shards.stream(3, 0, rank, world, start)
            for each in stream:
                others = stream.others(each)
                assert {other.speaker for other in others} <= {each.speaker}
                assert each.id not in ids(others)
                assert found.setdefault(each.id, ids(others)) == ids(others)
    assert all(len(found[name]) >= 2 for name in found if name[0] in "ab")
    assert [found[name] for name in found if name[0] == "c"] == [[]]


def test_others_are_a_sequence_made_when_asked_for(corpus):
    stream = Shards(corpus(examples(5))).stream(0, 0)
    others = stream.others(next(stream))
    assert len(others) == 4
    assert ids(others[1:3]) == [others[1].id, others[2].id]


def test_an_example_of_a_window_that_is_closed_has_no_others(corpus):
    stream = Shards(corpus(examples(*[4] * 20), shard_examples=4, group=4)).stream(0, 0)
    first = next(stream)
    list(stream)
    with pytest.raises(KeyError, match=r"a-|[b-t]-"):
        stream.others(first)


def test_a_corpus_says_what_it_is(corpus):
    shards = Shards(corpus(examples(3, 2)))
    assert (shards.examples, shards.speakers, shards.seconds) == (5, ("a", "b"), pytest.approx(0.025))
    assert shards.phonemes["ˈ"] == 5
    assert shards.languages == {"en": 5}
    assert shards.codec == CODEC
    assert CodecFacts.of(FakeCodec()) == CodecFacts("fake", 8000, 1000, 8, 256)


def test_an_empty_split_ends_at_once(corpus):
    shards = Shards(corpus(examples(3)), "test")
    assert (shards.examples, list(shards.stream(0, 0))) == (0, [])


def test_what_cannot_be_streamed_is_told(corpus, tmp_path):
    with pytest.raises(StoreError, match="holds no prepared corpus"):
        Shards(tmp_path)
    folder = corpus(examples(3))
    with pytest.raises(StoreError, match="no split 'dev'; it has train, validation, test"):
        Shards(folder, "dev")
    [shard] = folder.glob("*.parquet")
    shard.unlink()
    with pytest.raises(StoreError, match=f"lacks {shard.name}"):
        Shards(folder)
    (folder / "index.json").write_text('{"version": 9}')
    with pytest.raises(StoreError, match="version 9"):
        Shards(folder)
    (folder / "index.json").write_text("[]")
    with pytest.raises(StoreError, match="is no index"):
        Shards(folder)


def test_a_rank_beyond_the_world_is_an_error(corpus):
    with pytest.raises(ValueError, match="rank 2 is none of 2"):
        Shards(corpus(examples(3))).stream(0, 0, rank=2, world=2)
