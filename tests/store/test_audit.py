import sqlite3

import pytest

from valle_engine.store.atomic import temporary_name
from valle_engine.store.audit import KEPT, audit
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.readers import Ledgers
from valle_engine.store.store import open_store

MANIFEST = [("a", "fp-a"), ("b", "fp-b"), ("c", "fp-c")]


@pytest.fixture
def outputs(tmp_path, row):
    """A finished run: two files and one failure."""
    with open_store(str(tmp_path / "out")) as store:
        store.begin_run("r1", {}, 3, 3)
        rows = [row(i, n, file=store.outputs.write(f"audio/{i}.flac", i.encode() * 9)) for n, i in enumerate("ab")]
        store.ledger.record([*rows, row("c", 2, "failed")])
        store.end_run()
        yield store.outputs


def found(outputs, manifest=MANIFEST, **options):
    with Ledgers.of_folder(outputs.local(".valle")) as ledgers:
        return audit(ledgers, outputs, manifest, **options)


def test_a_finished_run_is_clean(outputs):
    report = found(outputs)
    assert report.clean
    assert (report.items, report.counts, report.files, report.bytes) == (3, {"done": 2, "failed": 1}, 2, 18)


def test_without_a_manifest_rows_and_files_are_compared(outputs):
    report = found(outputs, None)
    assert report.clean
    assert report.items is None


def test_items_without_a_row_are_pending_and_changed_ones_stale(outputs):
    report = found(outputs, [("a", "fp-a"), ("b", "changed"), ("new", "fp")])
    assert [(each.kind, each.thing) for each in report.findings] == [("stale", "b"), ("pending", "new")]
    assert not report.clean


def test_a_cut_file_is_found_by_its_length(outputs):
    path = outputs.local("audio/a.flac")
    path.write_bytes(path.read_bytes()[:-1])
    for quick in (True, False):
        [finding] = found(outputs, quick=quick).findings
        assert (finding.kind, finding.thing) == ("file", "a")
        assert "has 8 bytes, 9 were written" in finding.message


def test_a_changed_file_is_found_when_it_is_read(outputs):
    outputs.local("audio/a.flac").write_bytes(b"x" * 9)
    assert found(outputs, quick=True).clean
    assert found(outputs).found == {"file": 1}


def test_a_missing_file_is_found(outputs):
    outputs.remove("audio/b.flac")
    assert found(outputs).found == {"file": 1}


def test_outputs_without_rows_and_temporary_files_are_found(outputs):
    outputs.write("audio/stray.flac", b"x")
    outputs.local(temporary_name()).write_bytes(b"x")
    report = found(outputs)
    assert report.found == {"temporary": 1, "unrecorded": 1}


def test_rows_that_make_no_sense_are_found(outputs):
    with sqlite3.connect(outputs.local(".valle/ledger.db")) as ledger:
        ledger.execute("PRAGMA ignore_check_constraints=ON")
        ledger.execute("UPDATE outcomes SET state = 'lost' WHERE id = 'a'")
        ledger.execute("UPDATE outcomes SET path = 'audio/a.flac' WHERE id = 'b'")
    ledger.close()
    messages = {(each.kind, each.thing): each.message for each in found(outputs).findings}
    assert messages["row", "a"] == "has the unknown state 'lost'"
    assert messages["row", "b"] == "names audio/a.flac, the file of another item"


def test_an_item_in_two_ledgers_is_found(outputs):
    state = outputs.local(".valle")
    (state / "shard-1-of-1").mkdir()
    (state / "shard-1-of-1" / "ledger.db").write_bytes((state / "ledger.db").read_bytes())
    assert found(outputs).found["row"] >= 3


def test_findings_are_all_counted_and_the_first_kept(outputs):
    report = found(outputs, ((f"new-{n}", "fp") for n in range(KEPT + 500)))
    assert report.found == {"pending": KEPT + 500}
    assert len(report.findings) == KEPT


def test_outputs_behind_a_url_are_read_as_well(tmp_path, row):
    with open_store("memory://bucket/audited", tmp_path / "state") as store:
        store.begin_run("r1", {}, 1, 1)
        store.ledger.record([row("a", 0, file=store.outputs.write("audio/a.flac", b"123"))])
        store.end_run()
    with Ledgers(tmp_path / "state") as ledgers:
        outputs = OutputFolder(ledgers.folder)
        assert audit(ledgers, outputs).clean
        outputs.write("audio/a.flac", b"321")
        assert audit(ledgers, outputs).found == {"file": 1}
