import shutil
from types import SimpleNamespace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store import disk
from valle_engine.store.atomic import temporary_name
from valle_engine.store.ledger import Ledger
from valle_engine.store.lock import RunLock
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.places import ledgers_in
from valle_engine.store.readers import LedgerRun, Ledgers
from valle_engine.store.store import accept_loss, forget, open_store, start_over

RECIPE = {"seed": 0}


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


@pytest.fixture
def state(tmp_path):
    return tmp_path / "out" / ".valle"


def shard(index, count):
    return SimpleNamespace(index=index, count=count)


def work(store, row, *ids):
    """Do some items as a run would."""
    store.begin_run("r1", RECIPE, len(ids), len(ids))
    rows = [row(item, n, file=store.outputs.write(f"audio/{item}.flac", item.encode())) for n, item in enumerate(ids)]
    store.ledger.record(rows)


def break_off(out, row, error):
    """Leave a run by an error after one item."""
    with open_store(out) as store:
        work(store, row, "a")
        raise error


def killed(out, row, *ids):
    """Leave a folder as a driver that was killed after these items leaves it: its log is not folded in."""
    with open_store(out) as store:
        work(store, row, *ids)
        copy = store.state.with_name("copy")
        shutil.copytree(store.state, copy)
    shutil.rmtree(store.state)
    copy.rename(store.state)


def test_a_run_finds_what_an_earlier_one_did(out, row):
    with open_store(out) as store:
        work(store, row, "a", "b")
        store.end_run()
    with open_store(out) as store:
        assert set(store.ledger.lookup(["a", "b", "c"])) == {"a", "b"}
        assert [run.stopped for run in store.ledger.runs()] == [""]


def test_a_new_folder_is_made_with_all_that_lead_to_it(tmp_path):
    with open_store(str(tmp_path / "a" / "b" / "out"), tmp_path / "c" / "state") as store:
        assert store.ledger.path == tmp_path / "c" / "state" / "ledger.db"


def test_a_second_driver_is_refused(out):
    with open_store(out), pytest.raises(StoreError, match="is being worked on by process"), open_store(out):
        pass


def test_the_end_of_a_run_that_broke_off_is_noted(out, row):
    with pytest.raises(KeyboardInterrupt):
        break_off(out, row, KeyboardInterrupt())
    with open_store(out) as store:
        assert [run.stopped for run in store.ledger.runs()] == ["KeyboardInterrupt"]
        assert store.ledger.counts() == {"done": 1}


def test_a_full_disk_at_the_end_hides_no_error_and_loses_no_log(out, row, monkeypatch):
    def full(*_):
        raise DiskFull("no space left")

    monkeypatch.setattr(Ledger, "end_run", full)
    with pytest.raises(ValueError, match="the cause"):
        break_off(out, row, ValueError("the cause"))
    with open_store(out) as store:
        assert store.ledger.counts() == {"done": 1}
        assert [run.stopped for run in store.ledger.runs()] == ["killed"]


def test_temporary_files_are_swept_at_start_and_end(out, state, row):
    with open_store(out):
        pass
    torn = [OutputFolder(out).local("audio") / temporary_name(), state / temporary_name()]
    torn[0].parent.mkdir()
    for path in torn:
        path.write_bytes(b"half")
    with open_store(out) as store:
        assert not any(path.exists() for path in torn)
        work(store, row, "a")
        torn[0].write_bytes(b"half")
        store.end_run()
        assert not torn[0].exists()


def test_outputs_behind_a_url_need_a_local_state(tmp_path):
    with pytest.raises(StoreError, match=r"set `output\.state`"), open_store("memory://bucket/out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_outputs_behind_a_url_have_the_same_promises(tmp_path, row):
    with open_store("memory://bucket/out", tmp_path / "state") as store:
        work(store, row, "a")
        store.end_run()
    shutil.rmtree(tmp_path / "state")
    with pytest.raises(StoreError, match="is missing"), open_store("memory://bucket/out", tmp_path / "state"):
        pass
    MemoryFileSystem.store.clear()


def test_a_state_on_a_network_disk_is_refused(out, monkeypatch):
    monkeypatch.setattr(disk, "filesystem", lambda _: "nfs4")
    with pytest.raises(StoreError, match=r"network file system.*`output\.state`"), open_store(out):
        pass


def test_a_state_that_everybody_may_write_is_refused(out, tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    with pytest.raises(StoreError, match="may be written by everybody"), open_store(out, open_to_all):
        pass


def test_a_file_in_the_place_of_the_state_is_told(out, tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreError, match=r"state folder .* cannot be made"), open_store(out, tmp_path / "state"):
        pass


# ledger_deleted, ledger_corrupt_page, wal_deleted: refused with the way out, never redone or skipped in silence.


@pytest.mark.parametrize("lost", [".valle", ".valle/ledger.db"])
def test_a_deleted_ledger_is_noticed(out, tmp_path, row, lost):
    with open_store(out) as store:
        work(store, row, "a")
    gone = tmp_path / "out" / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(StoreError, match=r"ledger.*valle run --start-over"), open_store(out):
        pass


def test_a_folder_with_somebody_else_s_audio_is_not_taken(out):
    OutputFolder(out).prepare()
    OutputFolder(out).write("audio/mine.flac", b"x")
    with pytest.raises(StoreError, match="holds outputs, but there is no ledger"), open_store(out):
        pass


def test_another_ledger_is_not_taken_for_the_outputs(out, tmp_path, row):
    with open_store(out, tmp_path / "one") as store:
        work(store, row, "a")
    with (
        pytest.raises(StoreError, match=r"is missing \(theirs was .*/one/ledger\.db on"),
        open_store(out, tmp_path / "two"),
    ):
        pass
    with open_store(str(tmp_path / "other"), tmp_path / "two"):
        pass
    with pytest.raises(StoreError, match="is not the one of the outputs"), open_store(out, tmp_path / "two"):
        pass


def test_a_moved_state_folder_is_found_again(out, tmp_path, row):
    with open_store(out, tmp_path / "one") as store:
        work(store, row, "a")
    (tmp_path / "one").rename(tmp_path / "two")
    with open_store(out, tmp_path / "two") as store:
        assert store.ledger.counts() == {"done": 1}


def test_a_damaged_claim_is_told(out, state):
    with open_store(out):
        pass
    (state / "claims" / "all.json").write_text("torn {")
    with pytest.raises(StoreError, match=r"claims/all\.json in the output folder is damaged"), open_store(out):
        pass
    start_over(out)
    with open_store(out):
        pass


def test_files_that_are_no_claims_lead_nowhere(out, state):
    with open_store(out):
        pass
    for name in ("..-of-..", "1-of-x", "note"):
        (state / "claims" / f"{name}.json").write_text("{}")
    (state / "shard-x-of-y").mkdir()
    (state / "shard-x-of-y" / "ledger.db").write_bytes(b"")
    assert ledgers_in(state) == {"all": state / "ledger.db"}
    with open_store(out):
        pass
    assert len(start_over(out)) == 1


def test_a_killed_run_loses_no_row(out, row):
    killed(out, row, "a", "b")
    with open_store(out) as store:
        assert store.ledger.counts() == {"done": 2}
        assert [run.stopped for run in store.ledger.runs()] == ["killed"]
        assert store.ledger.runs()[0].ended >= store.ledger.entry("b").when


@pytest.mark.parametrize("content", [None, b""])
def test_a_lost_log_is_noticed_until_the_loss_is_accepted(out, state, row, content):
    killed(out, row, "a", "b")
    log = state / "ledger.db-wal"
    log.unlink() if content is None else log.write_bytes(content)
    for _ in range(2):
        with Ledgers(state) as readers:
            assert readers.lost_logs == [state / "ledger.db"]
        with pytest.raises(StoreError, match=r"ledger\.db-wal .* missing.*valle verify --repair"), open_store(out):
            pass
    assert accept_loss(state) == [state / "ledger.db"]
    with open_store(out) as store:
        assert store.ledger.counts() == {}
        assert list(store.outputs.unrecorded(())) == ["audio/a.flac", "audio/b.flac"]


def test_a_retry_after_a_kill_does_not_look_like_a_lost_log(out, state, row):
    killed(out, row, "a")
    assert forget(state) == 0
    with open_store(out) as store:
        assert store.ledger.counts() == {"done": 1}


def test_a_sound_ledger_has_no_loss_to_accept(out, state, row):
    killed(out, row, "a")
    assert accept_loss(state) == []


def test_a_corrupt_page_is_noticed_after_a_kill(out, state, row):
    with open_store(out) as store:
        work(store, row, *(f"item-{n}" for n in range(300)))
    with open_store(out) as store:
        store.begin_run("r1", RECIPE, 0, 0)
        copy = store.state.with_name("copy")
        shutil.copytree(store.state, copy)
    path = copy / "ledger.db"
    content = bytearray(path.read_bytes())
    content[20 * 4096 : 22 * 4096] = b"\xa5" * (2 * 4096)
    path.write_bytes(content)
    shutil.rmtree(state)
    copy.rename(state)
    with pytest.raises(StoreError, match=r"is damaged.*valle run --start-over"), open_store(out):
        pass


# starting over


def test_starting_over_sets_the_old_ledger_aside_whole(out, state, row):
    killed(out, row, "a")
    [aside] = start_over(out)
    with open_store(out) as store:
        assert store.ledger.counts() == {}
    with Ledger(aside / "ledger.db") as old:
        assert old.counts() == {"done": 1}
    assert aside.parent == state


def test_starting_over_is_the_way_out_of_a_lost_ledger(out, state, row):
    with open_store(out) as store:
        work(store, row, "a")
    (state / "ledger.db").unlink()
    assert start_over(out) == []
    with open_store(out) as store:
        assert store.ledger.counts() == {}


def test_starting_over_twice_keeps_both(out, row):
    for _ in range(2):
        with open_store(out) as store:
            work(store, row, "a")
        start_over(out)
    assert len(list(OutputFolder(out).local(".valle").glob("old-*/ledger.db"))) == 2


def test_starting_over_waits_for_nobody(out):
    with open_store(out), pytest.raises(StoreError, match="worked on by"):
        start_over(out)


# shards


def test_shards_run_side_by_side_and_are_read_as_one(out, state, row):
    with open_store(out, None, shard(1, 2)) as one, open_store(out, None, shard(2, 2)) as two:
        work(one, row, "a", "c")
        work(two, row, "b")
    assert list(ledgers_in(state)) == ["1-of-2", "2-of-2"]
    with Ledgers(state) as ledgers:
        assert ledgers.counts() == {"done": 3}
        assert ledgers.items() == 3
        assert ledgers.audio_seconds() == 0.0
        assert set(ledgers.lookup(["a", "b", "x"])) == {"a", "b"}
        assert ledgers.entry("b").outcome.id == "b"
        assert ledgers.entry("x") is None
        assert [row.outcome.id for row in ledgers.outcomes()] == ["a", "b", "c"]
        assert ledgers.recipe("r1") == RECIPE


def test_a_shard_s_own_state_folder_stands_for_the_one_around_it(out, state, row):
    with open_store(out, state / "shard-1-of-2", shard(1, 2)) as store:
        work(store, row, "a")
    assert list(ledgers_in(state)) == ["1-of-2"]
    with Ledgers(state / "shard-1-of-2") as ledgers:
        assert ledgers.counts() == {"done": 1}


def test_a_shard_leaves_the_temporary_files_of_the_others(out, state):
    with open_store(out, None, shard(1, 2)) as one:
        torn = one.outputs.local(temporary_name("1-of-2"))
        torn.write_bytes(b"being written")
        with open_store(out, None, shard(2, 2)):
            pass
        assert torn.exists()


@pytest.mark.parametrize(("before", "after"), [(None, (1, 2)), ((1, 2), None), ((1, 2), (1, 3)), ((1, 1), None)])
def test_another_division_would_do_everything_again_and_is_refused(out, row, before, after):
    with open_store(out, None, before and shard(*before)) as store:
        work(store, row, "a")
    with (
        pytest.raises(StoreError, match=r"were begun as .*this run is .*--start-over"),
        open_store(out, None, after and shard(*after)),
    ):
        pass
    assert len(start_over(out, None, after and shard(*after))) == 1
    with open_store(out, None, after and shard(*after)) as store:
        assert store.ledger.counts() == {}


def test_starting_a_shard_over_leaves_its_siblings(out, row):
    for index in (1, 2):
        with open_store(out, None, shard(index, 2)) as store:
            work(store, row, f"item-{index}")
    start_over(out, None, shard(1, 2))
    with open_store(out, None, shard(2, 2)) as store:
        assert store.ledger.counts() == {"done": 1}


def test_shards_with_states_of_their_own_share_an_output_folder(out, tmp_path, row):
    for index in (1, 2):
        with open_store(out, tmp_path / str(index), shard(index, 2)) as store:
            work(store, row, f"item-{index}")


# reading


def test_an_empty_folder_has_no_ledgers(tmp_path):
    with pytest.raises(StoreError, match="there is no ledger in"):
        Ledgers.of_folder(tmp_path)


def test_a_moved_output_folder_knows_where_it_is(out, tmp_path, row):
    with open_store(out) as store:
        work(store, row, "a")
    (tmp_path / "out").rename(tmp_path / "moved")
    for name in ("moved", "moved/.valle"):
        with Ledgers.of_folder(tmp_path / name) as ledgers:
            assert ledgers.folder == str(tmp_path / "moved")


def test_a_state_folder_elsewhere_knows_its_outputs(out, tmp_path, row):
    with open_store(out, tmp_path / "state") as store:
        work(store, row, "a")
    with Ledgers.of_folder(tmp_path / "state") as ledgers:
        assert ledgers.folder == out


def test_readers_see_who_is_at_work(out, state, row):
    with open_store(out) as store:
        work(store, row, "a")
        with Ledgers(state) as ledgers:
            assert set(ledgers.holders()) == {"all"}
    with Ledgers(state) as ledgers:
        assert ledgers.holders() == {}


def test_products_see_fields_and_outcomes(out, state, row, tmp_path):
    with open_store(out) as store:
        work(store, row, "a", "b")
    with Ledgers(state) as ledgers:
        run = LedgerRun(ledgers, tmp_path)
        assert (run.name, run.folder) == ("out", tmp_path)
        assert [(fields["id"], outcome.state) for fields, outcome in run.outcomes()] == [("a", "done"), ("b", "done")]


def test_forget_of_a_state_folder_needs_its_lock(out, state, row):
    with open_store(out) as store:
        work(store, row, "a")
        store.ledger.record([row("b", 1, "failed")])
        with pytest.raises(StoreError, match="worked on by"):
            forget(state)
    assert forget(state, ["b", "none"]) == 1
    assert forget(state, ["a"]) == 1


def test_a_lock_of_another_label_does_not_stand_in_the_way(out, state):
    with open_store(out):
        pass
    (state / "shard-1-of-2").mkdir()
    with RunLock(state / "shard-1-of-2" / "run.lock"), open_store(out):
        pass
