import pytest

from valle_engine.errors import StoreError
from valle_engine.store import disk

MOUNTS = """\
22 1 252:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:30 / {root}/net rw - nfs4 server:/x rw
24 22 0:31 / {root}/with\\040space rw shared:1 - cifs //server/y rw
25 22 0:32 / {root}/fuse rw - fuse.sshfs z rw
26 23 0:33 / {root}/net/local rw - xfs /dev/vdb rw
27 22 0:34 / {root}/twice rw - ext4 /dev/vdc rw
28 22 0:35 / {root}/twice rw - 9p host rw
29 22 0:36 / {root}/container rw - fuse.fuse-overlayfs overlay rw
"""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS.format(root=tmp_path))
    monkeypatch.setattr(disk, "MOUNTS", path)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "kind", "network"),
    [
        ("here", "ext4", False),
        ("net", "nfs4", True),
        ("net/deep/er", "nfs4", True),
        ("network", "ext4", False),
        ("with space/x", "cifs", True),
        ("fuse", "fuse.sshfs", True),
        ("net/local/x", "xfs", False),
        ("twice", "9p", True),
        ("container", "fuse.fuse-overlayfs", False),
    ],
)
def test_the_deepest_and_last_mount_decides(mounts, folder, kind, network):
    assert disk.filesystem(mounts / folder) == kind
    assert disk.is_network(kind) is network


def test_a_network_folder_is_refused_with_the_way_out(mounts):
    with pytest.raises(StoreError, match=r"network file system \(nfs4\).*`output\.state`.*local disk"):
        disk.refuse_network(mounts / "net")


def test_links_are_followed_to_the_disk_they_lead_to(mounts):
    (mounts / "net").mkdir()
    (mounts / "link").symlink_to(mounts / "net")
    assert disk.filesystem(mounts / "link") == "nfs4"


def test_where_the_kernel_tells_nothing_a_folder_is_taken_as_local(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MOUNTS", tmp_path / "none")
    assert disk.filesystem(tmp_path) == ""
    disk.refuse_network(tmp_path)


def test_the_free_space_of_a_real_folder_is_known(tmp_path):
    assert disk.free_bytes(tmp_path) > 0
    assert disk.filesystem(tmp_path)
