import orjson
import pyarrow.parquet as pq
import pytest

from tests.training.corpora import CODEC, example, examples, plain
from valle_engine.errors import StoreError
from valle_engine.keeping import KEPT
from valle_engine.parts import FinishedRun
from valle_engine.records import Failure, Outcome
from valle_engine.store.outputs import OutputFolder
from valle_engine.training import packing
from valle_engine.training.kept import pack_run
from valle_engine.training.layout import Layout
from valle_engine.training.packing import Index, write_corpus
from valle_engine.training.shards import Shards
from valle_engine.training.statistics import Statistics
from valle_engine.training.wire import to_bytes

LAYOUT = Layout(shard_examples=4, group=2, validation=0, test=0)


class Run(FinishedRun):
    """A run whose items kept some examples, and others that failed."""

    name = "run"

    def __init__(self, folder, some, failures=(), **fields):
        self.folder = folder
        starts = OutputFolder(str(folder)).append(f"{KEPT}/one", [to_bytes(each, CODEC) for each in some])
        self.rows = []
        for each, start in zip(some, starts, strict=True):
            values = {"kept": [f"{KEPT}/one", start, len(to_bytes(each, CODEC))]}
            self.rows.append(({"speaker": each.speaker, **fields}, Outcome(each.id, "done", each.id, values=values)))
        for message in failures:
            failure = Failure("ItemError", message)
            self.rows.append(({"speaker": "x"}, Outcome(message, "failed", "", failure=failure)))

    def outcomes(self):
        return iter(self.rows)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_shard_is_a_table_that_others_can_read(tmp_path):
    some = [example(1, noisy=True), example(2)]
    folder = write_corpus(tmp_path, some, CODEC, LAYOUT).parent
    [shard] = folder.glob("*.parquet")
    rows = sorted(pq.read_table(shard).to_pylist(), key=lambda row: row["id"])
    assert rows[0]["codes"] == some[0].codes.reshape(-1).tolist()
    assert rows[1]["noise"] is None
    assert list(rows[0]) == ["id", "speaker", "language", "text", "phonemes", "seconds", "codes", "noise", "noisy"]


def test_a_second_time_writes_no_shard_again(tmp_path, monkeypatch):
    write_corpus(tmp_path, examples(6, 6), CODEC, LAYOUT)
    before = contents(tmp_path)
    monkeypatch.setattr(packing, "write_shard", None)
    write_corpus(tmp_path, examples(6, 6), CODEC, LAYOUT)
    assert contents(tmp_path) == before


def test_a_shard_that_is_damaged_or_of_another_version_is_written_again(tmp_path):
    write_corpus(tmp_path, examples(6, 6), CODEC, LAYOUT)
    before = contents(tmp_path)
    first, second, *_ = tmp_path.glob("*.parquet")
    first.write_bytes(b"PAR1")
    pq.write_table(
        pq.read_table(second).replace_schema_metadata({b"valle": b'{"version": 0, "statistics": 0}'}), second
    )
    write_corpus(tmp_path, examples(6, 6), CODEC, LAYOUT)
    assert contents(tmp_path) == before


def test_shards_that_the_index_names_no_more_are_removed_and_nothing_else(tmp_path):
    write_corpus(tmp_path, examples(6, 6), CODEC, LAYOUT)
    (tmp_path / "notes.txt").write_text("mine")
    write_corpus(tmp_path, examples(3), CODEC, LAYOUT)
    [(name, count)] = Index.read(tmp_path).shards["train"]
    assert (sorted(contents(tmp_path)), count) == (sorted(["index.json", "notes.txt", name]), 3)


def test_the_old_corpus_stands_until_the_new_one_is_whole(tmp_path, monkeypatch):
    write_corpus(tmp_path, examples(6), CODEC, LAYOUT)
    before = sorted(plain(each) for each in Shards(tmp_path).stream(0, 0))

    def broken(*_):
        raise StoreError("no space")

    monkeypatch.setattr(packing, "write_shard", broken)
    with pytest.raises(StoreError, match="no space"):
        write_corpus(tmp_path, examples(9), CODEC, LAYOUT)
    assert sorted(plain(each) for each in Shards(tmp_path).stream(0, 0)) == before


def test_what_a_run_kept_becomes_its_shards(folder):
    some = [*examples(5, 3), example(900, "n", noisy=True)]
    run = Run(folder, some, ["clipping: 3 %", "clipping: 2 %", "no colon in it"])
    index = pack_run(run, LAYOUT)
    assert index == folder / "shards" / "index.json"
    assert sorted(plain(each) for each in Shards(folder).stream(0, 0)) == sorted(map(plain, some))
    assert Index.read(folder).left_out == {"clipping": 2, "ItemError": 1}


def test_a_column_split_decides(folder):
    pack_run(Run(folder, examples(3), split="test"), LAYOUT)
    assert [Shards(folder, split).examples for split in ("train", "validation", "test")] == [0, 0, 3]


def test_a_split_that_is_none_is_told(folder):
    with pytest.raises(StoreError, match="item a-0 has the split 'dev'; it is one of train, validation, test"):
        pack_run(Run(folder, examples(3), split="dev"), LAYOUT)


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_examples_that_were_lost_are_told(folder, damage):
    run = Run(folder, examples(3))
    kept = folder / KEPT / "one"
    if damage == "gone":
        kept.unlink()
    else:
        kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"--start-over` makes all examples anew"):
        pack_run(run, LAYOUT)


def test_a_run_without_examples_makes_no_corpus(folder):
    with pytest.raises(StoreError, match="holds no example"):
        pack_run(Run(folder, [], ["silence: all of it"]), LAYOUT)


def test_a_run_of_another_task_makes_no_corpus(folder):
    run = Run(folder, [])
    run.rows = [({}, Outcome("a", "done", ""))]
    with pytest.raises(StoreError, match="item a has kept no example"):
        pack_run(run, LAYOUT)


def test_statistics_add_up_and_survive_their_file():
    parts = [Statistics.of(examples(2, 1)), Statistics.of([example(7, "b", frames=2500, noisy=True)])]
    both = parts[0] + parts[1]
    assert both == Statistics.of([*examples(2, 1), example(7, "b", frames=2500, noisy=True)])
    assert Statistics.parse(orjson.loads(orjson.dumps(both.plain()))) == both
    assert (both.examples, both.noisy, both.lengths) == (4, 1, {0: 3, 2: 1})
    assert both.missing("lan.") == {"ˈ": 4, "ɪ": 4}
