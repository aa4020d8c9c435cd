import errno
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import DiskFull, StoreError
from valle_engine.store import remote
from valle_engine.store.atomic import is_temporary, replacing, temporary_name
from valle_engine.store.outputs import OutputFolder, check_name

DATA = b"sound" * 1000


class PlainStore(MemoryFileSystem):
    """A store whose puts are not atomic: what is written must be moved into place."""

    protocol = "plain"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]
    moved: ClassVar[list] = []

    def mv(self, path1, path2, **options):
        self.moved.append((path1, path2))
        super().mv(path1, path2, **options)


fsspec.register_implementation("plain", PlainStore, clobber=True)


@pytest.fixture(params=["local", "file", "memory", "plain"])
def outputs(request, tmp_path):
    spec = {
        "local": str(tmp_path / "out"),
        "file": f"file://{tmp_path}/out",
        "memory": "memory://bucket/out",
        "plain": "plain://bucket/out",
    }[request.param]
    folder = OutputFolder(spec)
    folder.prepare()
    yield folder
    MemoryFileSystem.store.clear()
    PlainStore.store.clear()


@pytest.fixture
def local(tmp_path):
    folder = OutputFolder(str(tmp_path / "out"))
    folder.prepare()
    return folder


def test_a_file_is_as_it_was_promised(outputs):
    file = outputs.write("audio/a.flac", DATA, samples=24_000, rate=24_000)
    assert (file.path, file.bytes, file.samples, file.rate) == ("audio/a.flac", 5000, 24_000, 24_000)
    assert outputs.check(file) is None
    assert outputs.verify(file) is None
    assert outputs.checker()(file) is None
    assert outputs.read("audio/a.flac") == DATA
    assert outputs.temporaries() == []


def test_a_file_written_again_has_the_last_content(outputs):
    outputs.write("audio/a.flac", b"first")
    file = outputs.write("audio/a.flac", memoryview(b"second, longer"))
    assert outputs.read("audio/a.flac") == b"second, longer"
    assert outputs.verify(file) is None


def test_an_empty_file_is_a_file(outputs):
    file = outputs.write("audio/a.txt", b"")
    assert outputs.verify(file) is None


def test_a_missing_a_shorter_and_another_file_are_noticed(outputs):
    file = outputs.write("audio/a.flac", DATA)
    outputs.write("audio/a.flac", DATA[:-10])
    for look in (outputs.check, outputs.verify, outputs.checker()):
        assert look(file) == "audio/a.flac has 4990 bytes, 5000 were written"
    outputs.write("audio/a.flac", DATA[::-1])
    assert outputs.check(file) is None
    assert outputs.verify(file) == "audio/a.flac has another content than was written"
    outputs.remove("audio/a.flac")
    for look in (outputs.check, outputs.verify, outputs.checker()):
        assert look(file) == "audio/a.flac is missing"


def test_a_take_becomes_the_output(outputs):
    outputs.write("audio/a.flac", b"older")
    take = outputs.write("takes/a.1.flac", DATA, samples=5, rate=1)
    file = outputs.move(take, "audio/a.flac")
    assert (file.path, file.samples) == ("audio/a.flac", 5)
    assert outputs.verify(file) is None
    assert outputs.names("takes") == []


def test_what_is_not_there_can_be_removed(outputs):
    outputs.remove("audio/none.flac")


def test_outputs_without_a_row_are_listed(outputs):
    assert not outputs.has_outputs()
    for name in ("audio/b.flac", "audio/a.flac", "takes/a.0.flac"):
        outputs.write(name, DATA)
    assert outputs.has_outputs()
    assert list(outputs.unrecorded({"audio/b.flac"})) == ["audio/a.flac", "takes/a.0.flac"]


def test_a_worker_makes_its_own_from_two_strings(outputs):
    outputs.write("audio/a.flac", DATA)
    again = pickle.loads(pickle.dumps(outputs))
    assert (again.spec, again.owner) == (outputs.spec, outputs.owner)
    assert again.read("audio/a.flac") == DATA
    assert len(pickle.dumps(outputs)) < 300


def test_many_threads_may_write(outputs):
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda n: outputs.write(f"audio/{n % 5}.flac", DATA), range(40)))
    assert all(outputs.verify(file) is None for file in files)
    assert outputs.temporaries() == []


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/passwd", "../up", "audio/../../up", "audio/./a", "audio//a", "audio/", ".."),
        *("nul\0", "line\nfeed", "turned\u202e", "half\ud800", "back\\slash", "x" * 300),
    ],
)
def test_names_that_lead_out_or_hide_are_refused(outputs, name):
    with pytest.raises(StoreError, match="no name for an output"):
        outputs.write(name, DATA)


@settings(derandomize=True)
@given(st.text(max_size=20))
def test_a_name_that_passes_stays_inside(name):
    try:
        check_name(name)
    except StoreError:
        return
    path = os.path.realpath(Path("/root/folder", name))
    assert os.path.commonpath([path, "/root/folder"]) == "/root/folder"
    assert path != "/root/folder"


@pytest.mark.parametrize("link", ["audio", "audio/inner"])
def test_a_linked_folder_is_not_followed_out(local, tmp_path, link):
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "out" / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside)
    with pytest.raises(StoreError, match="is a link or a file"):
        local.write("audio/inner/a.flac", DATA)
    assert list(outside.iterdir()) == []
    assert local.names("audio/inner") == []


def test_a_linked_output_is_replaced_and_its_target_left_alone(local, tmp_path, promise):
    target = tmp_path / "precious"
    target.write_bytes(DATA)
    (tmp_path / "out" / "audio").mkdir()
    place = tmp_path / "out" / "audio" / "a.flac"
    place.symlink_to(target)
    assert local.check(promise("audio/a.flac", DATA)) == "audio/a.flac is missing"
    assert local.verify(promise("audio/a.flac", DATA)).startswith("audio/a.flac cannot be read: ")
    local.write("audio/a.flac", b"mine")
    assert target.read_bytes() == DATA
    assert not place.is_symlink()


def test_a_planted_temporary_link_is_not_followed(local, tmp_path, monkeypatch):
    target = tmp_path / "precious"
    target.write_text("precious")
    name = temporary_name()
    monkeypatch.setattr("valle_engine.store.atomic.temporary_name", lambda _owner: name)
    (tmp_path / "out" / name).symlink_to(target)
    with pytest.raises(StoreError, match="File exists"):
        local.write("a.txt", DATA)
    assert target.read_text() == "precious"


def test_a_folder_in_the_place_of_a_file_is_told(local, tmp_path):
    (tmp_path / "out" / "audio" / "a.flac").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"a\.flac cannot be written"):
        local.write("audio/a.flac", DATA)
    assert local.temporaries() == []


def test_files_have_the_rights_that_the_user_s_mask_leaves(local, tmp_path):
    before = os.umask(0o027)
    try:
        local.write("audio/a.flac", DATA)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out" / "audio" / "a.flac").stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StoreError)]
)
def test_an_error_of_the_disk_leaves_the_old_file_and_nothing_else(local, monkeypatch, step, number, error):
    file = local.write("audio/a.flac", DATA)

    def broken(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, broken)
        with pytest.raises(error, match=r"a\.flac") as caught:
            local.write("audio/a.flac", b"new")
    assert type(caught.value) is error
    assert local.verify(file) is None
    assert local.temporaries() == []


def test_a_short_write_is_noticed(local, monkeypatch):
    class Lying:
        st_size = 3

    monkeypatch.setattr(os, "fstat", lambda _: Lying)
    with pytest.raises(StoreError, match="has 3 bytes after writing 5000"):
        local.write("audio/a.flac", DATA)
    assert local.names("audio") == []


def test_a_sweep_removes_temporary_files_and_only_ours(local, tmp_path):
    root = tmp_path / "out"
    (root / "audio").mkdir()
    for name in (temporary_name(), f"audio/{temporary_name('2-of-4')}", "audio/a.tmp", ".valle-all-short.tmp"):
        (root / name).write_bytes(b"x")
    assert local.sweep() == 2
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == [".valle-all-short.tmp", "a.tmp"]


def test_a_shard_sweeps_its_own_temporary_files():
    name = temporary_name("1-of-4")
    assert is_temporary(name, "1-of-4")
    assert is_temporary(name)
    assert not is_temporary(name, "2-of-4")
    assert not is_temporary(temporary_name(), "1-of-4")


def test_a_store_without_atomic_puts_moves_into_place():
    folder = OutputFolder("plain://bucket/moving")
    folder.write("audio/a.flac", DATA)
    draft, final = PlainStore.moved[-1]
    assert is_temporary(draft.rpartition("/")[2])
    assert final.endswith("/bucket/moving/audio/a.flac")
    PlainStore().pipe_file(f"{final}/../{temporary_name()}".replace("a.flac/../", ""), b"torn")
    assert folder.sweep() == 1
    assert folder.names("audio") == ["audio/a.flac"]
    PlainStore.store.clear()


def test_a_store_that_keeps_less_is_noticed(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "size", lambda *_: 3)
    with pytest.raises(StoreError, match="has 3 bytes after writing 5000"):
        OutputFolder("memory://bucket/out").write("audio/a.flac", DATA)
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError("denied"), r"memory://bucket/out cannot take .*: denied; check the URL and its credentials"),
        (ImportError("install s3fs"), "needs a package that is not installed: install s3fs"),
        (RuntimeError(), "cannot take .*: RuntimeError"),
    ],
)
def test_a_store_that_refuses_is_told_before_work_starts(monkeypatch, error, message):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    with pytest.raises(StoreError, match=message):
        OutputFolder("memory://bucket/out").prepare()


def test_an_unknown_protocol_is_told():
    with pytest.raises(StoreError, match="nonsense://x cannot be reached"):
        OutputFolder("nonsense://x").prepare()


def test_the_stores_with_atomic_puts_are_those_of_objects():
    assert {"s3", "gs", "az", "memory"} <= remote.ATOMIC_PUTS
    assert not {"sftp", "ftp", "smb", "file"} & remote.ATOMIC_PUTS


def test_little_space_is_told_before_work_starts(tmp_path):
    with pytest.raises(DiskFull, match="no space left for the output folder"):
        OutputFolder(str(tmp_path / "out")).prepare(floor_bytes=1 << 60)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError, match=r"the output folder .*out cannot be written"):
        OutputFolder(str(tmp_path / "out")).prepare()


def test_replacing_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text("old")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", None])
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["table.jsonl"]
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_text() == "new"


def test_replacing_in_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"), replacing(tmp_path / "none" / "x"):
        pass


def test_the_checker_lists_a_folder_once(local, monkeypatch):
    files = [local.write(f"audio/{n}.flac", DATA) for n in range(20)]
    calls = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: calls.append(place) or scandir(place))
    look = local.checker()
    assert [look(file) for file in files] == [None] * 20
    assert len(calls) == 1
