import os
import subprocess
import sys

import pytest

from valle_engine.errors import StoreError
from valle_engine.store.lock import RunLock, holder


def test_a_second_driver_is_refused_with_the_first_one_s_name(tmp_path):
    path = tmp_path / "run.lock"
    with (
        RunLock(path),
        pytest.raises(StoreError, match=rf"worked on by process {os.getpid()} on .*, since 2"),
        RunLock(path),
    ):
        pass


def test_the_lock_is_free_after_its_end_and_the_file_stays(tmp_path):
    path = tmp_path / "run.lock"
    for _ in range(2):
        with RunLock(path):
            assert holder(path).pid == os.getpid()
        assert holder(path) is None
    assert path.exists()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path):
    assert holder(tmp_path / "run.lock") is None


def test_an_error_inside_lets_the_lock_go(tmp_path):
    path = tmp_path / "run.lock"
    with pytest.raises(ValueError, match="inside"), RunLock(path):
        raise ValueError("inside")
    assert holder(path) is None


def test_a_programme_that_the_driver_started_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "run.lock"
    with RunLock(path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with RunLock(path):
        pass
    child.communicate(b"\n")


def test_what_stands_in_the_file_is_only_for_the_message(tmp_path):
    path = tmp_path / "run.lock"
    with RunLock(path):
        path.write_bytes(b"torn {")
        with pytest.raises(StoreError, match="another process"), RunLock(path):
            pass


def test_a_planted_link_is_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "run.lock").symlink_to(target)
    with pytest.raises(StoreError, match="cannot be opened"), RunLock(tmp_path / "run.lock"):
        pass
    assert target.read_text() == "precious"
