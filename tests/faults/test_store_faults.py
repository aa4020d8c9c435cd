"""The store under kills at every step, and on disks that are full or forbid writing."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from valle_engine.errors import StoreError
from valle_engine.records import Outcome
from valle_engine.store import database
from valle_engine.store.audit import audit
from valle_engine.store.lock import holder
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.readers import Ledgers
from valle_engine.store.rows import Charge, LedgerRow
from valle_engine.store.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.faults,
    # Python warns of a fork beside threads, as other tests may have left; these children only work with files.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

ITEMS = tuple(f"item-{n}" for n in range(4))
MANIFEST = [(item, f"fp-{item}") for item in ITEMS]
STEPS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "close", "pwrite")


def sound(item: str) -> bytes:
    """An item's output, the same whoever makes it."""
    return item.encode() * 3000


def drive(folder: str, told: int) -> None:
    """One run: do what is pending, two items a transaction, and tell each id once it is in the ledger."""
    with open_store(folder) as store:
        entries = store.ledger.lookup(ITEMS)
        check = store.outputs.checker()
        todo = [n for n, item in enumerate(ITEMS) if item not in entries or check(entries[item].file)]
        store.begin_run("recipe", {"seed": 0}, len(ITEMS), len(todo))
        for start in range(0, len(todo), 2):
            group = todo[start : start + 2]
            store.ledger.charge(ITEMS[group[0]], Charge("fp", 1, 0))
            store.ledger.record([_row(store.outputs, n) for n in group])
            os.write(told, "".join(f"{ITEMS[n]}\n" for n in group).encode())
        store.end_run()


def _row(outputs: OutputFolder, ordinal: int) -> LedgerRow:
    item = ITEMS[ordinal]
    file = outputs.write(f"audio/{item}.flac", sound(item))
    return LedgerRow(Outcome(item, "done", f"fp-{item}", file=file), {"id": item}, ordinal)


def in_child(work: Callable[[int], None]) -> tuple[int, list[str]]:
    """Run in a process of its own; returns the signal that ended it (0: none) and the lines it told."""
    reading, telling = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            work(telling)
            code = 0
        finally:
            os._exit(code)
    os.close(telling)
    with os.fdopen(reading) as lines:
        told = lines.read().split()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), told


def kill_at(step: int) -> None:
    """Have this process killed at the given step: a call to the operating system, or a statement to SQLite."""
    steps = count(1)

    def tick(*_: Any) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in STEPS:
        setattr(os, name, _ticking(getattr(os, name), tick))
    connect = database._connect

    def traced(*arguments: Any) -> Any:
        connection = connect(*arguments)
        connection.set_trace_callback(tick)
        return connection

    database._connect = traced


def _ticking(call: Callable[..., Any], tick: Callable[[], None]) -> Callable[..., Any]:
    def ticking(*arguments: Any, **options: Any) -> Any:
        tick()
        return call(*arguments, **options)

    return ticking


def check_promises(folder: Path, told: list[str]) -> None:
    """What must hold whenever a driver was killed: rows have their files, and what was told is in the ledger."""
    if not (folder / ".valle" / "ledger.db").exists():
        assert told == []
        return
    with Ledgers.of_folder(folder) as ledgers:
        found = audit(ledgers, OutputFolder(str(folder)), MANIFEST)
        assert set(told) <= set(ledgers.lookup(ITEMS))
    assert set(found.found) <= {"pending", "temporary", "unrecorded"}


def check_finished(folder: Path) -> None:
    """What must hold when the last driver has ended."""
    with Ledgers.of_folder(folder) as ledgers:
        found = audit(ledgers, OutputFolder(str(folder)), MANIFEST)
        assert ledgers.readers["all"].charges() == {}
    assert found.clean, found.findings
    assert found.counts == {"done": len(ITEMS)}
    assert all((folder / "audio" / f"{item}.flac").read_bytes() == sound(item) for item in ITEMS)


def test_a_driver_killed_at_any_step_loses_nothing(tmp_path):
    for step in count(1):
        folder = tmp_path / str(step)

        def killed(told: int, folder: Path = folder, step: int = step) -> None:
            kill_at(step)
            drive(str(folder), told)

        ended_by, told = in_child(killed)
        check_promises(folder, told)
        in_child(lambda again, folder=folder: drive(str(folder), again))
        check_finished(folder)
        if not ended_by:
            break
    assert step > 100


def test_a_driver_killed_at_every_step_in_turn_gets_to_the_end(tmp_path):
    folder = tmp_path / "out"
    told: list[str] = []
    for step in range(1, 400, 7):

        def killed(telling: int, step: int = step) -> None:
            kill_at(step)
            drive(str(folder), telling)

        ended_by, more = in_child(killed)
        told += more
        check_promises(folder, told)
        if not ended_by:
            break
    check_finished(folder)


def test_rows_that_were_acknowledged_outlive_kills_at_random_moments(tmp_path):
    chance = random.Random(7)
    folder = tmp_path / "out"
    acknowledged: set[str] = set()

    def write_for_ever(told: int) -> None:
        with open_store(str(folder)) as store:
            store.begin_run("recipe", {}, 0, 0)
            for group in count():
                ids = [f"{os.getpid()}-{group}-{n}" for n in range(50)]
                store.ledger.record([LedgerRow(Outcome(item, "done", "fp"), {"id": item}, 0) for item in ids])
                os.write(told, "".join(f"{item}\n" for item in ids).encode())

    for _ in range(20):
        reading, telling = os.pipe()
        child = os.fork()
        if not child:
            write_for_ever(telling)
        os.close(telling)
        time.sleep(0.02 + chance.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as lines:
            acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
        os.waitpid(child, 0)
        with open_store(str(folder)) as store:
            assert acknowledged <= set(store.ledger.lookup(acknowledged))
            assert store.ledger.counts().get("done", 0) % 50 == 0
    assert len(acknowledged) > 1000


def test_the_lock_of_a_killed_driver_is_free_at_once(tmp_path):
    reading, telling = os.pipe()
    child = os.fork()
    if not child:
        with open_store(str(tmp_path)):
            os.write(telling, b"!")
            time.sleep(60)
    os.read(reading, 1)
    lock = tmp_path / ".valle" / "run.lock"
    assert holder(lock).pid == child
    with pytest.raises(StoreError, match=f"worked on by process {child} on "), open_store(str(tmp_path)):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    began = time.monotonic()
    with open_store(str(tmp_path)):
        assert time.monotonic() - began < 0.3
    os.close(reading)
    os.close(telling)


def test_a_late_write_of_a_zombie_worker_changes_nothing(tmp_path):
    folder = str(tmp_path / "out")
    zombie_may_write, go = os.pipe()
    zombie = os.fork()
    if not zombie:
        os.read(zombie_may_write, 1)
        OutputFolder(folder).write("audio/item-0.flac", sound("item-0"))
        os._exit(0)
    in_child(lambda told: drive(folder, told))
    os.write(go, b"!")
    os.waitpid(zombie, 0)
    check_finished(tmp_path / "out")
    os.close(zombie_may_write)
    os.close(go)


def test_a_zombie_whose_temporary_file_was_swept_fails_alone(tmp_path, monkeypatch):
    outputs = OutputFolder(str(tmp_path))
    outputs.prepare()
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (fsync(descriptor), outputs.sweep()))
    with pytest.raises(StoreError, match="No such file"):
        outputs.write("late.flac", b"x")
    assert list(tmp_path.iterdir()) == []


# Disks that are full: a real one of 4 MB, in a mount namespace that ends with its process.

SMALL_DISK = """
import sys
from valle_engine.errors import DiskFull
from valle_engine.records import Outcome
from valle_engine.store.audit import audit
from valle_engine.store.readers import Ledgers
from valle_engine.store.rows import LedgerRow
from valle_engine.store.store import open_store
from pathlib import Path

out, state = Path(sys.argv[1], "out"), Path(sys.argv[1], "state")

def settle(first, data, text):
    with open_store(str(out), state) as store:
        store.begin_run("recipe", {}, 10_000, 10_000)
        for n in range(first, first + 10_000):
            item = f"item-{n}"
            file = store.outputs.write(f"audio/{item}.flac", data) if data else None
            store.ledger.record([LedgerRow(Outcome(item, "done", "fp", file=file), {"text": text}, n)])

def expect_full(first, data, text):
    try:
        settle(first, data, text)
    except DiskFull as error:
        print("full:", error)
    else:
        raise AssertionError("the disk was not full")

def examine():
    with Ledgers(state) as ledgers:
        found = audit(ledgers, store_outputs())
        assert set(found.found) <= {"unrecorded"}, found
        return found.counts["done"]

def store_outputs():
    from valle_engine.store.outputs import OutputFolder
    return OutputFolder(str(out))
"""


QUOTA = """
# Where this user may not mount: a quota of 4 MB, kept by SQLite's own limit and at the syncs of files.
import errno, os, sqlite3
from valle_engine.store import database, disk

def used():
    return sum(path.stat().st_size for path in Path(sys.argv[1]).rglob("*") if path.is_file())

def limited(descriptor, sync=os.fsync):
    if used() > 4_000_000:
        raise OSError(errno.ENOSPC, "No space left on device")
    sync(descriptor)

def connect(*arguments, connect=database._connect):
    connection = connect(*arguments)
    if arguments[1] == "rw":
        connection.execute("PRAGMA max_page_count=300")
    return connection

os.fsync, database._connect = limited, connect
"""


def small_disk(folder: Path, script: str) -> str:
    """Run a script whose argument is a disk of 4 MB; returns what it prints."""
    namespace = ["unshare", *([] if not os.getuid() else ["--map-root-user"]), "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=4m tmpfs "{folder}"'
    tried = shutil.which("unshare") and subprocess.run([*namespace, mount], capture_output=True, check=False)
    may_mount = tried and not tried.returncode
    prefix = [*namespace, f'{mount} && exec "$@"', "sh"] if may_mount else []
    program = SMALL_DISK + ("" if may_mount else QUOTA) + script
    python = [sys.executable, "-W", "error", "-c", program, str(folder)]
    done = subprocess.run([*prefix, *python], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_disk_full_output(tmp_path):
    said = small_disk(
        tmp_path,
        """
expect_full(0, b"x" * 300_000, "")
before = examine()
expect_full(100, b"x" * 3_000_000, "")
assert examine() == before
ballast = next((out / "audio").iterdir())
""",
    )
    assert said.count("full: no space left for ") == 2


def test_disk_full_ledger(tmp_path):
    said = small_disk(
        tmp_path,
        """
expect_full(0, None, "x" * 20_000)
assert examine() > 20
""",
    )
    assert "no space left for the ledger" in said


def test_after_space_was_freed_the_run_goes_on(tmp_path):
    said = small_disk(
        tmp_path,
        """
ballast = Path(sys.argv[1], "ballast")
ballast.write_bytes(b"x" * 2_500_000)
expect_full(0, b"x" * 100_000, "")
before = examine()
ballast.unlink()
with open_store(str(out), state) as store:
    store.begin_run("recipe", {}, 1, 1)
    file = store.outputs.write("audio/more.flac", b"more")
    store.ledger.record([LedgerRow(Outcome("more", "done", "fp", file=file), {}, 99)])
    store.end_run()
assert examine() == before + 1
print("went on")
""",
    )
    assert "went on" in said


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(work: Callable[[], Any]) -> str:
    """Do something as a user whom modes hold back, unlike root; returns what it gives, or its error."""

    def drop_and_work(told: int) -> None:
        if not os.getuid():
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        try:
            said = str(work())
        except StoreError as error:
            said = f"StoreError: {error}"
        os.write(told, said.encode())

    return " ".join(in_child(drop_and_work)[1])


def open_and_close(folder: Path, state: Path | None = None) -> None:
    with open_store(str(folder), state):
        pass


@pytest.mark.parametrize("place", ["output", "state"])
def test_readonly_output_dir(shared, place):
    (shared / "free").mkdir(mode=0o777)
    (shared / "free").chmod(0o777)
    (shared / "fixed").mkdir(mode=0o555)
    folder, state = (shared / "fixed", None) if place == "output" else (shared / "free" / "out", shared / "fixed")
    said = as_nobody(lambda: open_and_close(folder, state))
    assert said.startswith(f"StoreError: the {place} folder {shared}/fixed")
    assert "cannot be written" in said
    assert "permission" in said


def test_enoent_dir():
    said = as_nobody(lambda: open_and_close(Path("/proc/nowhere/out")))
    assert "StoreError: the output folder /proc/nowhere/out cannot be written: No such file or directory" in said


def test_permission_of_the_ledger(shared):
    drive(str(shared), os.open(os.devnull, os.O_WRONLY))
    (shared / ".valle" / "ledger.db").chmod(0o000)
    said = as_nobody(lambda: Ledgers.of_folder(shared))
    assert "ledger.db cannot be opened" in said


def test_a_finished_run_can_be_read_where_nothing_can_be_written(shared):
    in_child(lambda told: drive(str(shared), told))
    for path in [shared, *shared.rglob("*")]:
        path.chmod(0o555)

    def verify() -> bool:
        with Ledgers.of_folder(shared) as ledgers:
            return audit(ledgers, OutputFolder(str(shared)), MANIFEST).clean

    assert as_nobody(verify) == "True"


def test_a_limit_on_the_size_of_files_leaves_no_partial_file(tmp_path):
    outputs = OutputFolder(str(tmp_path))
    outputs.prepare()
    reading, telling = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            outputs.write("audio/a.flac", sound("a"))
        except StoreError as error:
            os.write(telling, str(error).encode())
        os._exit(0)
    os.close(telling)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        assert "a.flac cannot be written: File too large" in said.read()
    assert list((tmp_path / "audio").iterdir()) == []
