import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from valle_engine.parts import FinishedRun
from valle_engine.records import Failure, Outcome, OutputFile
from valle_plugins.products import products
from valle_plugins.products.jsonl import JsonLines
from valle_plugins.products.parquet import Parquet

DONE = Outcome(
    "a",
    "done",
    "fp",
    file=OutputFile("audio/a.flac", 10, "00", 36_000, 24_000),
    values={"text": "héllo"},
    scores={"wer": 0.25},
    takes=({"attempt": 0, "wer": 0.25},),
)
FAILED = Outcome("b", "failed", "fp", failure=Failure("ItemError", "no\nvoice"))


class Finished(FinishedRun):
    name = "alice"

    def __init__(self, folder, outcomes):
        self.folder = folder
        self._outcomes = outcomes

    def outcomes(self):
        return (({"id": outcome.id, "text": "Hello."}, outcome) for outcome in self._outcomes)


@pytest.fixture
def run(tmp_path):
    return Finished(tmp_path, [DONE, FAILED])


def test_both_tables_are_offered():
    assert {JsonLines, Parquet} <= set(products())


def test_jsonl_has_a_line_for_each_item(run, tmp_path):
    path = JsonLines().make(run)
    assert path == tmp_path / "outcomes.jsonl"
    done, failed = map(json.loads, path.read_text("utf-8").splitlines())
    assert (done["id"], done["audio_seconds"], done["values"], done["scores"]) == (
        "a",
        1.5,
        {"text": "héllo"},
        {"wer": 0.25},
    )
    assert (failed["state"], failed["failure"], failed["message"], failed["path"]) == (
        "failed",
        "ItemError",
        "no\nvoice",
        None,
    )
    assert failed["fields"] == {"id": "b", "text": "Hello."}


def test_parquet_holds_the_same(run):
    done, failed = pq.read_table(Parquet().make(run)).to_pylist()
    assert (done["id"], done["audio_seconds"], json.loads(done["values"])) == ("a", 1.5, {"text": "héllo"})
    assert done["scores"] == [("wer", 0.25)]
    assert (failed["message"], failed["bytes"], failed["scores"]) == ("no\nvoice", None, [])


@pytest.mark.parametrize("table", [JsonLines(), Parquet()])
def test_a_run_without_outcomes_gives_a_table_without_rows(tmp_path, table):
    path = table.make(Finished(tmp_path, []))
    assert path.exists()
    if table.name == "parquet":
        assert pq.read_table(path).num_rows == 0


def test_parquet_writes_a_group_at_a_time(tmp_path):
    many = (replace(DONE, id=f"i{n}") for n in range(20_001))
    path = Parquet().make(Finished(tmp_path, many))
    assert pq.ParquetFile(path).metadata.num_row_groups == 3


def test_a_torn_tail_heals(run, tmp_path):
    path = JsonLines().make(run)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    JsonLines().make(run)
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == ["outcomes.jsonl"]


@pytest.mark.parametrize("table", [JsonLines(), Parquet()])
def test_an_error_on_the_way_leaves_the_old_table(run, tmp_path, table):
    path = table.make(run)
    whole = path.read_bytes()

    def broken():
        yield DONE
        raise OSError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        table.make(Finished(tmp_path, broken()))
    assert path.read_bytes() == whole
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["", ".", "..", "../up.jsonl", "/etc/x", "a\0b", "x" * 300])
def test_a_table_stays_in_its_folder(name):
    with pytest.raises(ValidationError):
        JsonLines(file=name)
