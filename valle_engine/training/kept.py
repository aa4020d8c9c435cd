"""The examples that a job's workers have kept, found by what its ledger says of them."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

from valle_engine.errors import StoreError
from valle_engine.records import Stretch
from valle_engine.training.layout import SPLITS, Catalogue, Entry, Layout
from valle_engine.training.packing import FOLDER, write_shards
from valle_engine.training.wire import from_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from valle_engine.parts import FinishedRun
    from valle_engine.records import Outcome
    from valle_engine.training.examples import CodecFacts, Example

PLACE = "kept"
"""The value of an outcome that says where its example is: a `Stretch` as a list."""


class KeptExamples:
    """Examples by their places: the first that was added has place 0. A million takes some 16 MB."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._names: list[str] = []
        self._of, self._starts, self._sizes = array("L"), array("Q"), array("L")

    def add(self, stretch: Stretch) -> None:
        """Take one more."""
        path, start, size = stretch
        if path not in self._files:
            self._files[path] = len(self._names)
            self._names.append(path)
        self._of.append(self._files[path])
        self._starts.append(start)
        self._sizes.append(size)

    def load(self, places: Sequence[int]) -> list[Example]:
        """Read the examples at some places, in their order. Raises `StoreError` for what is not there any more."""
        return [from_bytes(self._bytes(place))[0] for place in places]

    def codec(self) -> CodecFacts:
        """The codec whose codes they hold; a job has one for all. Raises `StoreError`."""
        return from_bytes(self._bytes(0))[1]

    def _bytes(self, place: int) -> bytes:
        path = self._folder / self._names[self._of[place]]
        try:
            with path.open("rb") as file:
                file.seek(self._starts[place])
                data = file.read(self._sizes[place])
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}; {_WAY_OUT}") from error
        if len(data) < self._sizes[place]:
            raise StoreError(f"{path} is shorter than when it was written; {_WAY_OUT}")
        return data


_WAY_OUT = "`valle data prepare JOB --start-over` makes all examples anew"


def pack_run(run: FinishedRun, layout: Layout) -> Path:
    """Shards of the examples of a run, in a folder of their own in its output folder; returns the index's path.

    A column `split` decides about its row before the layout does. Raises `StoreError`, also where there is no example.
    """
    examples, catalogue, left_out = KeptExamples(run.folder), Catalogue(layout), Counter[str]()
    for fields, outcome in run.outcomes():
        if outcome.state != "done":
            left_out[_reason(outcome)] += 1
            continue
        examples.add(_stretch(outcome))
        catalogue.add(_entry(fields, outcome))
    if not len(catalogue):
        raise StoreError(f"{run.folder} holds no example: nothing that was prepared came through")
    return write_shards(run.folder / FOLDER, catalogue, examples.load, examples.codec(), left_out)


def _stretch(outcome: Outcome) -> Stretch:
    if PLACE not in outcome.values:
        raise StoreError(f"item {outcome.id} has kept no example: shards are made of what the task `prepare` gives")
    return Stretch(*outcome.values[PLACE])


def _entry(fields: Mapping[str, Any], outcome: Outcome) -> Entry:
    split = str(fields.get("split") or "")
    if split and split not in SPLITS:
        raise StoreError(f"item {outcome.id} has the split {split!r}; it is one of {', '.join(SPLITS)}, or left out")
    key = hashlib.sha256(f"{outcome.fingerprint}:{outcome.attempt}".encode()).digest()
    return Entry(key, outcome.id, str(fields["speaker"]), split)


def _reason(outcome: Outcome) -> str:
    """In a word, why an item gave no example: what its error says before the first colon."""
    if outcome.failure is None:
        return outcome.state
    return outcome.failure.message.partition(":")[0] if ":" in outcome.failure.message else outcome.failure.kind
