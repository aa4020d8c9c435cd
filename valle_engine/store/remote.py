"""Output files behind an fsspec URL, with the same promises."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from valle_engine.errors import StoreError
from valle_engine.store.atomic import is_temporary, temporary_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ATOMIC_PUTS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "memory"})
"""Stores where an object appears whole or not at all; elsewhere a temporary key is moved into place."""

_CHUNK = 1 << 20


class RemoteFiles:
    """Files by name (checked, forward slashes) under one URL."""

    def __init__(self, url: str, owner: str) -> None:
        self._url = url.rstrip("/")
        self._owner = owner

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec  # noqa: PLC0415 - only outputs behind a URL need it

        store, root = self._asked("be reached", lambda: fsspec.core.url_to_fs(self._url))
        return store, root

    def prepare(self, floor_bytes: int) -> None:  # noqa: ARG002 - an object store does not tell what is free
        """Prove that the place can be written. Raises `StoreError`."""
        self.put(".valle-probe", memoryview(b"probe"))
        self.remove(".valle-probe")

    def put(self, name: str, data: memoryview) -> None:
        """Write an object whole under its final name, and ask the store for its size."""
        store, _ = self._opened
        final, content = self._key(name), bytes(data)
        folder = name.rpartition("/")[0]
        draft = final if self._puts_are_atomic() else self._key(f"{folder}/{temporary_name(self._owner)}".lstrip("/"))

        def upload() -> int:
            store.makedirs(self._key(folder), exist_ok=True)
            store.pipe_file(draft, content)
            if draft != final:
                store.mv(draft, final)
            store.invalidate_cache()
            return int(store.size(final))

        written = self._asked(f"take {name}", upload)
        if written != len(content):
            raise StoreError(f"{self._url}/{name} has {written} bytes after writing {len(content)}")

    def append(self, name: str, pieces: Sequence[bytes]) -> list[int]:
        """Refuse: an object is written whole. Raises `StoreError`."""
        raise StoreError(
            f"{self._url}/{name} cannot grow by {len(pieces)} pieces, an object store keeps whole objects: "
            "let `output.folder` be a local folder"
        )

    def size(self, name: str) -> int | None:
        """Bytes of an object, None when there is none of that name."""
        store, _ = self._opened
        try:
            return int(store.size(self._key(name)))
        except FileNotFoundError:
            return None

    def measure(self, name: str) -> tuple[int, str]:
        """Bytes and SHA-256 (hexadecimal) of an object, all of it read. Raises `OSError`."""
        store, _ = self._opened
        size, sha = 0, hashlib.sha256()
        with store.open(self._key(name), "rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                sha.update(chunk)
        return size, sha.hexdigest()

    def content(self, name: str) -> bytes:
        """A small object's content. Raises `OSError`."""
        store, _ = self._opened
        return bytes(store.cat_file(self._key(name)))

    def listing(self, folder: str) -> Iterator[tuple[str, int]]:
        """Each object right in a folder: its name with the folder, its bytes; temporary ones left out."""
        store, _ = self._opened
        store.invalidate_cache()
        try:
            found = store.ls(self._key(folder), detail=True)
        except FileNotFoundError:
            return
        for each in found:
            name = each["name"].rpartition("/")[2]
            if each["type"] == "file" and not is_temporary(name):
                yield f"{folder}/{name}", int(each["size"])

    def move(self, name: str, to: str) -> None:
        """Give an object another name, replacing what had it."""
        store, _ = self._opened

        def rename() -> None:
            store.makedirs(self._key(to.rpartition("/")[0]), exist_ok=True)
            store.mv(self._key(name), self._key(to))

        self._asked(f"move {name} to {to}", rename)

    def remove(self, name: str) -> None:
        """Remove an object if it is there."""
        store, _ = self._opened

        def delete() -> None:
            if store.exists(self._key(name)):
                store.rm_file(self._key(name))

        self._asked(f"remove {name}", delete)

    def temporaries(self) -> list[str]:
        """Temporary objects that this owner may sweep; where puts are atomic there are none to look for."""
        if self._puts_are_atomic():
            return []
        store, root = self._opened
        found = self._asked("be listed", lambda: store.find(root))
        return [
            key.removeprefix(root).lstrip("/") for key in found if is_temporary(key.rpartition("/")[2], self._owner)
        ]

    def free_bytes(self) -> int:
        """An object store is never full: a number that no run needs."""
        return 1 << 62

    def _key(self, name: str) -> str:
        _, root = self._opened
        return f"{root}/{name}".rstrip("/")

    def _puts_are_atomic(self) -> bool:
        return self._url.partition("://")[0] in ATOMIC_PUTS

    def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except ImportError as error:
            raise StoreError(f"{self._url} needs a package that is not installed: {error}") from error
        except Exception as error:  # every store raises classes of its own libraries
            reason = str(error) or type(error).__name__
            raise StoreError(f"{self._url} cannot {what}: {reason}; check the URL and its credentials") from error
