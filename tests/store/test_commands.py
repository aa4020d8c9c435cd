import json
import sqlite3

import pyarrow.parquet as pq
import pytest

from valle_engine.cli import main
from valle_engine.records import Failure
from valle_engine.store.store import open_store


@pytest.fixture
def out(tmp_path, row):
    """The folder of a run that was interrupted: one item done, two failed, one pending."""
    with open_store(str(tmp_path / "out")) as store:
        store.begin_run("r1", {}, 4, 4)
        file = store.outputs.write("audio/a.flac", b"sound", samples=48_000, rate=24_000)
        evil = Failure("ItemError", "red \x1b[31m and\nanother line", "Traceback\n  \x1b]0;title\x07")
        store.ledger.record([
            row("a", 0, file=file, worker="w0", seconds=1.5, scores={"wer": 0.25}),
            row("b", 1, "failed", failure=evil, errors=3),
            row("c", 2, "quarantined", crashes=3),
        ])  # fmt: skip
        store.end_run("interrupted")
    return str(tmp_path / "out")


def say(capsys, *arguments):
    code = main([str(each) for each in arguments])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\x07" not in said.out + said.err
    return code, said.out + said.err


def test_status_in_words(out, capsys):
    code, said = say(capsys, "status", out)
    assert code == 2
    assert "4 items: 1 done, 1 failed, 1 quarantined, 1 pending" in said
    assert "2.0 s of audio" in said
    assert "stopped: interrupted" in said
    assert r"b failed: ItemError: red \x1b[31m and\nanother line" in said


def test_status_for_machines(out, capsys):
    code, said = say(capsys, "status", "--json", out)
    facts = json.loads(said)
    assert (code, facts["items"], facts["pending"], facts["audio_seconds"]) == (2, 4, 1, 2.0)
    assert facts["counts"] == {"done": 1, "failed": 1, "quarantined": 1}
    assert [each["id"] for each in facts["failures"]] == ["b", "c"]


def test_status_of_a_run_at_work(tmp_path, capsys):
    folder = tmp_path / "out"
    with open_store(str(folder)) as store:
        store.begin_run("r1", {}, 1, 1)
        assert "at work since" in say(capsys, "status", folder)[1]


def test_status_is_0_when_all_is_done(tmp_path, row, capsys):
    with open_store(str(tmp_path / "out")) as store:
        store.begin_run("r1", {}, 1, 1)
        store.ledger.record([row("a")])
        store.end_run()
    assert say(capsys, "status", tmp_path / "out")[0] == 0


@pytest.mark.parametrize("verb", [["status"], ["verify"], ["retry"], ["why", "id"], ["export", "--to", "x.jsonl"]])
@pytest.mark.parametrize("name", ["none", "memory://bucket/out", "."])
def test_a_name_without_a_ledger_is_one_clear_error(tmp_path, monkeypatch, capsys, verb, name):
    monkeypatch.chdir(tmp_path)
    code, said = say(capsys, verb[0], name, *verb[1:])
    assert code == 3
    assert said.startswith(f"valle {verb[0]}: the")
    assert said.count("\n") == 1


def test_why_a_done_item_stays(out, capsys):
    code, said = say(capsys, "why", out, "a")
    assert code == 0
    assert "a done" in said
    assert "wer 0.25" in said
    assert "a will not be done again: it is done and its output is there" in said


def test_why_a_done_item_without_its_file_is_done_again(out, tmp_path, capsys):
    (tmp_path / "out" / "audio" / "a.flac").unlink()
    code, said = say(capsys, "why", out, "a")
    assert code == 2
    assert "a will be done again: audio/a.flac is missing" in said


def test_why_a_failed_item_stays_failed(out, capsys):
    code, said = say(capsys, "why", out, "b")
    assert code == 2
    assert "charged with 0 crashes and 3 errors" in said
    assert r"| \x1b]0;title" not in said.replace("  \\x1b", "")
    assert "`valle retry` makes it pending" in said


def test_why_an_item_without_a_row_will_be_done(out, capsys):
    code, said = say(capsys, "why", out, "d\x1b[31m")
    assert code == 2
    assert r"d\x1b[31m will be done" in said


def test_verify_of_a_clean_run(out, capsys):
    code, said = say(capsys, "verify", out)
    assert code == 0
    assert said.endswith("clean\n")


def test_verify_tells_what_is_broken(out, tmp_path, capsys):
    (tmp_path / "out" / "audio" / "a.flac").write_bytes(b"other")
    assert say(capsys, "verify", "--quick", out)[0] == 0
    code, said = say(capsys, "verify", out)
    assert code == 2
    assert "file: a audio/a.flac has another content than was written" in said
    assert said.endswith("not clean\n")
    code, said = say(capsys, "verify", "--json", out)
    assert (code, json.loads(said)["clean"], json.loads(said)["found"]) == (2, False, {"file": 1})


def test_verify_can_take_a_ledger_as_it_is_whose_log_is_lost(out, tmp_path, capsys):
    with sqlite3.connect(tmp_path / "out" / ".valle" / "ledger.db") as ledger:
        ledger.execute("UPDATE runs SET ended = NULL")
    ledger.close()
    code, said = say(capsys, "verify", out)
    assert code == 2
    assert "log: ledger.db its write-ahead log is missing" in said
    assert "ledger.db is missing: see `valle verify`" in say(capsys, "status", out)[1]
    assert say(capsys, "verify", "--repair", out)[0] == 0


def test_verify_of_very_many_findings_is_short(out, tmp_path, capsys):
    for n in range(100):
        (tmp_path / "out" / "audio" / f"stray-{n}.flac").touch()
    said = say(capsys, "verify", out)[1]
    assert len(said.splitlines()) == 23
    assert "… and 80 more: 100 unrecorded" in said


def test_retry_makes_all_that_failed_pending(out, capsys):
    assert say(capsys, "retry", out) == (0, "2 items are pending again; `valle run` does the work\n")
    assert json.loads(say(capsys, "status", "--json", out)[1])["pending"] == 3
    assert say(capsys, "retry", out) == (2, "nothing has failed\n")


def test_retry_of_one_line(out, capsys):
    assert say(capsys, "retry", out, "--line", "c") == (0, "1 item is pending again; `valle run` does the work\n")
    assert say(capsys, "retry", out, "--line", "none") == (2, "nothing of none is settled\n")


def test_export_writes_what_its_suffix_says(out, tmp_path, capsys):
    for suffix in ("jsonl", "parquet"):
        code, said = say(capsys, "export", out, "--to", tmp_path / f"table.{suffix}")
        assert (code, said) == (0, f"{tmp_path}/table.{suffix}\n")
    ids = [json.loads(line)["id"] for line in (tmp_path / "table.jsonl").read_text().splitlines()]
    assert ids == pq.read_table(tmp_path / "table.parquet")["id"].to_pylist() == ["a", "b", "c"]


def test_export_to_something_else_is_refused(out, capsys):
    code, said = say(capsys, "export", out, "--to", "table.xlsx")
    assert code == 3
    assert "one of .jsonl, .parquet" in said
