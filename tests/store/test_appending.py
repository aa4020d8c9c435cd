"""Many results in one file: where each lies, durable before it is told, and harmed by nobody's death."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from valle_engine.errors import DiskFull, StoreError
from valle_engine.keeping import KEPT, Keeper
from valle_engine.records import Stretch
from valle_engine.store.outputs import OutputFolder


@pytest.fixture
def outputs(tmp_path):
    outputs = OutputFolder(str(tmp_path / "out"))
    outputs.prepare()
    return outputs


def test_pieces_are_found_where_they_were_said_to_begin(outputs):
    assert outputs.append("kept/a", [b"one", b"", b"three"]) == [0, 3, 3]
    assert outputs.append("kept/a", [b"two"]) == [8]
    assert outputs.append("kept/a", []) == []
    assert outputs.local("kept/a").read_bytes() == b"onethreetwo"


def test_what_a_dead_process_left_at_the_end_is_stepped_over(outputs):
    outputs.append("kept/a", [b"one"])
    with outputs.local("kept/a").open("ab") as file:
        file.write(b"torn")
    assert outputs.append("kept/a", [b"two"]) == [7]


def test_the_disk_has_them_before_anybody_is_told(outputs, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size) or real(descriptor))
    outputs.append("kept/a", [b"one", b"two"])
    assert 6 in synced


def test_a_full_disk_is_told_as_one(outputs, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="no space left for"):
        outputs.append("kept/a", [b"one"])


@pytest.mark.parametrize("name", ["../a", "kept/../../a", "/a"])
def test_nothing_is_appended_outside_the_folder(outputs, name):
    with pytest.raises(StoreError, match="is no name for an output"):
        outputs.append(name, [b"one"])


def test_a_link_is_not_followed(outputs, tmp_path):
    (tmp_path / "out" / KEPT).mkdir()
    (tmp_path / "out" / KEPT / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be written"):
        outputs.append("kept/a", [b"one"])
    assert not (tmp_path / "elsewhere").exists()


def test_an_object_store_is_refused_with_the_way_out():
    with pytest.raises(StoreError, match=r"let `output.folder` be a local folder"):
        OutputFolder("memory://kept").append("kept/a", [b"one"])


def kept(outputs, pieces):
    async def keep():
        keeper = Keeper(outputs)
        try:
            return await asyncio.gather(*map(keeper.keep, pieces))
        finally:
            keeper.close()

    return asyncio.run(keep())


def test_each_process_keeps_in_a_file_of_its_own(outputs):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda pieces: kept(outputs, pieces), [[b"a", b"bc"], [b"def"]])
    assert len({stretch.path for stretch in [*first, *second]}) == 2
    for stretch, piece in zip([*first, *second], [b"a", b"bc", b"def"], strict=True):
        data = outputs.local(stretch.path).read_bytes()
        assert data[stretch.start : stretch.start + stretch.bytes] == piece


def test_what_comes_together_waits_for_the_disk_once(outputs, monkeypatch):
    calls = []
    append = OutputFolder.append
    monkeypatch.setattr(OutputFolder, "append", lambda *given: calls.append(len(given[2])) or append(*given))
    stretches = kept(outputs, [bytes([number]) for number in range(50)])
    assert calls == [50]
    assert stretches[49] == Stretch(stretches[0].path, 49, 1)
