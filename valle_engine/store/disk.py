"""What kind of disk a folder lies on, and how much room it has."""

from __future__ import annotations

import os
import re
from pathlib import Path

from valle_engine.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "pvfs2", "smb3", "smbfs"),
    }
)
LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.ntfs-3g"})
"""File systems in user space that a single machine owns: containers and foreign disks."""


def filesystem(folder: Path, mounts: Path | None = None) -> str:
    """Type of the file system a folder lies on, as the kernel names it; empty where the kernel does not say."""
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real = Path(os.path.realpath(folder))
    best, found = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = Path(_unescaped(before.split(" ")[4]))
        # Of mounts on one point the last hides the others.
        if len(mount.parts) >= best and real.is_relative_to(mount):
            best, found = len(mount.parts), after.split(" ")[0]
    return found


def is_network(kind: str) -> bool:
    """Tell whether several machines may share a file system of this type, so that locks and shared memory fail."""
    return kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)


def refuse_network(folder: Path) -> None:
    """Raise `StoreError` for a folder that is not on a disk of this machine."""
    kind = filesystem(folder)
    if is_network(kind):
        raise StoreError(
            f"{folder} is on a network file system ({kind}), where a ledger is not safe; "
            "set `output.state` to a folder on a local disk"
        )


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write on a folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
