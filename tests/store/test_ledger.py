import math
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valle_engine.errors import DiskFull, StoreError
from valle_engine.records import Failure, Outcome, OutputFile
from valle_engine.store import database
from valle_engine.store.ledger import SETTLED, Ledger, LedgerReader
from valle_engine.store.rows import Charge, LedgerRow

FULL = Outcome(
    "a",
    "rejected",
    "fp",
    attempt=2,
    file=OutputFile("audio/a.flac", 10, "00", 48_000, 24_000),
    values={"text": "héllo", "n": [1, 2.5, None]},
    scores={"wer": 0.25},
    takes=({"attempt": 0, "wer": 0.5}, {"attempt": 2, "wer": 0.25}),
    failure=Failure("Rejected", "wer 0.25 is above 0.1", "detail"),
    seconds=1.5,
    worker="gpu-0",
    crashes=1,
    errors=2,
)


def test_a_row_comes_back_as_it_was_recorded(ledger):
    fields = {"id": "a", "text": "Hello.", "extra": {"deep": [True]}}
    ledger.record([LedgerRow(FULL, fields, 7)])
    found = ledger.entry("a")
    assert (found.outcome, found.fields, found.ordinal, found.recipe, found.run) == (FULL, fields, 7, "r1", 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_any_json_value_can_be_recorded(ledger, values):
    ledger.record([LedgerRow(replace(FULL, values=values), values, 0)])
    assert set(ledger.entry("a").outcome.values) == {key.encode("utf-8", "replace").decode() for key in values}


def test_numbers_beyond_64_bits_and_infinite_ones_are_kept(ledger, row):
    ledger.record([row("a", values={"n": 2**80, "x": math.inf})])
    assert ledger.entry("a").outcome.values == {"n": 2**80, "x": math.inf}


@pytest.mark.parametrize("text", ["\ud800 half a character", "nul \0", "\u202e turned", "'; DROP TABLE outcomes; --"])
def test_strange_text_is_data(ledger, row, text):
    ledger.record([row("a", state="failed", failure=Failure("ItemError", text))])
    assert ledger.entry("a").outcome.failure.message == text.encode("utf-8", "replace").decode()
    assert ledger.counts() == {"failed": 1}


def test_numbers_of_numpy_and_scores_that_are_no_number_are_kept(ledger, row):
    ledger.record([row("a", scores={"wer": math.nan}, values={"n": np.float32(0.5)})])
    outcome = ledger.entry("a").outcome
    assert math.isnan(outcome.scores["wer"])
    assert outcome.values == {"n": 0.5}


def test_a_long_detail_keeps_its_end(ledger, row):
    ledger.record([row("a", state="failed", failure=Failure("E", "m", "x" * 50_000 + "the cause"))])
    detail = ledger.entry("a").outcome.failure.detail
    assert len(detail) == 16_000
    assert detail.endswith("the cause")


def test_lookup_finds_settled_items_only_in_any_number(ledger, row):
    ledger.record([row(f"i{n}", n) for n in range(1200)])
    found = ledger.lookup([f"i{n}" for n in range(0, 2400, 2)])
    assert set(found) == {f"i{n}" for n in range(0, 1200, 2)}
    assert found["i8"].fingerprint == "fp-i8"
    assert found["i8"].file is None


def test_an_item_recorded_again_has_its_last_row(ledger, row):
    ledger.record([row("a", state="failed")])
    ledger.record([row("a")])
    assert ledger.counts() == {"done": 1}


def test_a_batch_is_recorded_whole_or_not_at_all(ledger, row):
    with pytest.raises(StoreError):
        ledger.record([row("a"), row("b", state="lost")])
    assert ledger.counts() == {}


def test_outcomes_stream_in_the_order_of_the_manifest_beside_writes(ledger, row):
    ledger.record([row(f"i{n:04}", 2500 - n) for n in range(2500)])
    stream = ledger.outcomes()
    first = next(stream)
    ledger.record([row("late", 9999)])
    ids = [first.outcome.id, *(each.outcome.id for each in stream)]
    assert ids == [*(f"i{n:04}" for n in reversed(range(2500))), "late"]


def test_outcomes_of_one_state(ledger, row):
    ledger.record([row("a", 0), row("b", 1, "failed"), row("c", 2)])
    assert [each.outcome.id for each in ledger.outcomes("failed")] == ["b"]


def test_audio_seconds_are_those_of_done_items(ledger, row):
    sound = OutputFile("audio/a.flac", 1, "", 48_000, 24_000)
    text = OutputFile("text/b.txt", 1, "")
    ledger.record([row("a", 0, file=sound), row("b", 1, file=text), row("c", 2, "rejected", file=sound)])
    assert ledger.audio_seconds() == 2.0


def test_charges_outlive_the_driver_and_end_with_the_item(ledger, row):
    ledger.charge("a", Charge("fp", 1, 0))
    ledger.charge("a", Charge("fp", 2, 1))
    with LedgerReader(ledger.path) as other:
        assert other.charges() == {"a": Charge("fp", 2, 1)}
    ledger.record([row("a")])
    assert ledger.charges() == {}


def test_forget_makes_what_failed_pending_with_whole_budgets(ledger, row):
    ledger.record([row("a", 0), row("b", 1, "failed"), row("c", 2, "quarantined"), row("d", 3, "rejected")])
    ledger.charge("e", Charge("fp", 2, 0))
    assert ledger.forget() == 3
    assert ledger.counts() == {"done": 1}
    # What was rejected would come out the same: it goes on with its next take.
    assert ledger.charges() == {"d": Charge(row("d").outcome.fingerprint, 0, 0, 1)}


def test_forget_of_ids_leaves_the_others_and_what_is_done(ledger, row):
    ledger.record([row("a", 0), row("b", 1, "failed"), row("c", 2, "failed")])
    assert ledger.forget(["a", "b", "none"]) == 1
    assert ledger.counts() == {"done": 1, "failed": 1}


def test_another_take_of_any_line_goes_on_behind_its_last(ledger, row):
    done = row("a", 0)
    takes = ({"attempt": 0}, {"attempt": 1}, {"attempt": 2})
    ledger.record([replace(done, outcome=replace(done.outcome, attempt=1, takes=takes)), row("b", 1, "failed")])
    assert ledger.forget(["a", "b"], SETTLED) == 2
    assert ledger.charges() == {"a": Charge(done.outcome.fingerprint, 0, 0, 3)}
    ledger.charge("a", Charge(done.outcome.fingerprint, 1, 0))
    assert ledger.charges()["a"].attempt == 3
    ledger.charge("a", Charge("other", 1, 0))
    assert ledger.charges()["a"].attempt == 0
    ledger.record([done])
    assert ledger.charges() == {}


def test_a_ledger_from_before_attempts_were_kept_is_read_and_brought_up_to_date(tmp_path):
    path = tmp_path / "old.db"
    database.create(path, "out")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE charges DROP COLUMN attempt")
        connection.execute("INSERT INTO charges VALUES ('a', 'fp', 1, 0)")
    with LedgerReader(path) as reader:
        assert reader.charges() == {"a": Charge("fp", 1, 0)}
    with Ledger(path) as ledger:
        ledger.charge("a", Charge("fp", 2, 0))
        assert ledger.charges() == {"a": Charge("fp", 2, 0)}


def test_arrange_follows_the_manifest(ledger, row):
    ledger.record([row("a", 0), row("b", 1), row("c", 2)])
    ledger.arrange([("new", 0), ("c", 1), ("a", 2)])
    assert [each.outcome.id for each in ledger.outcomes()] == ["c", "a"]
    assert (ledger.counts(), ledger.unlisted()) == ({"done": 2}, 1)
    ledger.arrange([("b", 0), ("a", 1), ("c", 2)])
    assert [each.outcome.id for each in ledger.outcomes()] == ["b", "a", "c"]


def test_runs_and_recipes_are_kept(path):
    with Ledger(path) as ledger:
        ledger.begin_run("r1", {"seed": 1}, 10, 4)
        ledger.end_run("interrupted")
    with LedgerReader(path) as reader:
        [run] = reader.runs()
        assert (run.items, run.pending, run.stopped, run.recipe) == (10, 4, "interrupted", "r1")
        assert reader.recipe("r1") == {"seed": 1}
        assert reader.recipe("r2") is None


def test_a_reader_works_beside_the_driver_and_writes_nothing(ledger, row):
    ledger.record([row("a")])
    with LedgerReader(ledger.path) as reader:
        assert reader.counts() == {"done": 1}
        ledger.record([row("b", 1)])
        assert reader.counts() == {"done": 2}
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM outcomes")


def test_a_full_disk_is_told_apart_and_earlier_rows_stay(ledger, row):
    ledger.record([row("a")])
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DiskFull, match=r"no space left for the ledger .*ledger\.db"):
        ledger.record([row(f"big{n}", n, values={"text": "x" * 5000}) for n in range(20)])
    assert ledger.counts() == {"done": 1}
    ledger._connection.execute("PRAGMA max_page_count=100000")
    ledger.record([row("b")])
    assert ledger.counts() == {"done": 2}


@pytest.mark.parametrize("opens", [Ledger, LedgerReader])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: its rows are lost"),
        (b"no database at all, only text. " * 200, "is not a ledger"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused(tmp_path, opens, content, message):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=message):
        opens(path)


@pytest.mark.parametrize("opens", [Ledger, LedgerReader])
def test_a_database_of_something_else_is_refused(tmp_path, opens):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    with pytest.raises(StoreError, match=r"is a database of something else.*--start-over"):
        opens(path)


@pytest.mark.parametrize("opens", [Ledger, LedgerReader])
@pytest.mark.parametrize(("version", "message"), [("3", "newer engine.*update valle-engine"), ("x", "no schema")])
def test_a_ledger_of_another_schema_is_refused(path, opens, version, message):
    with sqlite3.connect(path) as other:
        other.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [version])
    other.close()
    with pytest.raises(StoreError, match=message):
        opens(path)


def test_a_missing_ledger_is_refused_by_name(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere\.db cannot be opened"):
        LedgerReader(tmp_path / "nowhere.db")


def test_a_ledger_is_made_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "SCHEMA", "CREATE TABLE meta (key, value); CREATE nonsense;")
    with pytest.raises(StoreError):
        database.create(tmp_path / "ledger.db", "out")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_on_a_medium_that_cannot_be_written_can_be_read(path, monkeypatch):
    monkeypatch.setattr(database.os, "access", lambda *_: False)
    with LedgerReader(path) as reader:
        assert reader.counts() == {}
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
