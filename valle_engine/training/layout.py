"""Which example goes into which shard: settled before anything is written, by what the examples are alone."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPLITS = ("train", "validation", "test")
KEY_BYTES = 16


class Layout(BaseModel):
    """How examples are laid out in shards. The same examples with the same layout give the same shards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shard_examples: int = Field(1024, ge=1, description="Examples of one shard, about.")
    group: int = Field(8, ge=1, description="Utterances of a speaker that stay together in a shard, at least.")
    validation: float = Field(0.01, ge=0, le=1, description="Share of the speakers whose utterances validate.")
    test: float = Field(0.01, ge=0, le=1, description="Share of the speakers who are kept for tests.")
    split_by: Literal["speaker", "utterance"] = Field(
        "speaker", description="What goes into one split as a whole; by utterance when there is but one speaker."
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.validation + self.test > 1:
            raise ValueError(
                f"validation and test are {self.validation + self.test:g} of all together, at most 1 is there"
            )
        return self


class Entry(NamedTuple):
    """One example before it is read: `key` stands for its content; `split` is empty where the layout decides."""

    key: bytes
    id: str
    speaker: str
    split: str = ""


class PlannedShard(NamedTuple):
    """One shard: the places of its examples among the entries, in their order in it."""

    split: str
    digest: str
    places: np.ndarray


class Catalogue:
    """Entries in little memory: a million takes 24 MB and what planning adds."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._keys = bytearray()
        self._homes = array("L")
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, entry: Entry) -> None:
        """Take one entry, whose place is the number of those before it."""
        split = entry.split or chosen_split(entry, self.layout)
        self._keys += entry.key[:KEY_BYTES].ljust(KEY_BYTES, b"\0")
        self._homes.append(self._numbers.setdefault((split, entry.speaker), len(self._numbers)))

    def __len__(self) -> int:
        return len(self._homes)

    def shards(self) -> Iterator[PlannedShard]:
        """Plan the shards, split by split. Examples are ordered by their keys, which is chance, but always the same."""
        keys = np.frombuffer(bytes(self._keys), dtype=">u8").reshape(-1, 2)
        members = self._members(keys)
        for split in SPLITS:
            groups = [
                group
                for (of, _), number in self._numbers.items()
                if of == split
                for group in _groups(members[number], self.layout.group)
            ]
            groups.sort(key=lambda group: tuple(keys[group[0]]))
            for places in _filled(groups, self.layout.shard_examples):
                digest = hashlib.sha256(keys[places].tobytes()).hexdigest()
                yield PlannedShard(split, digest, places)

    def _members(self, keys: np.ndarray) -> dict[int, np.ndarray]:
        """The places of each speaker in each split, by their keys."""
        if not len(self):
            return {}
        homes = np.array(self._homes, dtype=np.int64)
        order = np.lexsort((keys[:, 1], keys[:, 0], homes))
        cuts = np.flatnonzero(np.diff(homes[order])) + 1
        return {int(homes[part[0]]): part for part in np.split(order, cuts)}


def chosen_split(entry: Entry, layout: Layout) -> str:
    """The split that a speaker, or an utterance, falls into by the hash of the name: the same on every machine."""
    name = entry.speaker if layout.split_by == "speaker" else entry.id
    chance = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()) / 2**64
    if chance < layout.test:
        return "test"
    return "validation" if chance < layout.test + layout.validation else "train"


def _groups(places: np.ndarray, size: int) -> list[np.ndarray]:
    """A speaker's places in groups of `size` and a little more, as even as can be; all in one where there are fewer."""
    return np.array_split(places, max(1, len(places) // size))


def _filled(groups: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Groups one after another in shards, each of which is full when it holds `size` places or more."""
    shard: list[np.ndarray] = []
    held = 0
    for group in groups:
        shard.append(group)
        held += len(group)
        if held >= size:
            yield np.concatenate(shard)
            shard, held = [], 0
    if shard:
        yield np.concatenate(shard)
