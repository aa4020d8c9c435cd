"""A prepared corpus, streamed: every example once an epoch, in an order that one can come back to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from valle_engine.errors import StoreError
from valle_engine.training.examples import CodecFacts, Example
from valle_engine.training.packing import Index, index_path
from valle_engine.training.parquet import Shard

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW = 8
"""Shards that are in memory at a time, and shuffled as one."""


class Shards:
    """One split of a prepared corpus.

    `folder` is the output folder of the job that prepared it, or the folder of the shards. Raises `StoreError` for a
    folder without an index, an unknown split, or a shard that is missing.
    """

    def __init__(self, folder: str | Path, split: str = "train") -> None:
        place = Path(folder)
        index = Index.read(place)
        if split not in index.shards:
            raise StoreError(f"{folder} has no split {split!r}; it has {', '.join(index.shards)}")
        self.folder = index_path(place).parent
        self.split = split
        self.codec: CodecFacts = index.codec
        self._files = [self.folder / name for name, _ in index.shards[split]]
        self._sizes = np.array([count for _, count in index.shards[split]], dtype=np.int64)
        self._statistics = index.statistics[split]
        if missing := [path.name for path in self._files if not path.is_file()]:
            raise StoreError(f"{self.folder} lacks {', '.join(missing[:5])}; `valle data prepare` makes them anew")

    @property
    def examples(self) -> int:
        """Examples of the split."""
        return self._statistics.examples

    @property
    def seconds(self) -> float:
        """Seconds of sound."""
        return self._statistics.seconds

    @property
    def speakers(self) -> tuple[str, ...]:
        """The names of the speakers, sorted."""
        return tuple(sorted(self._statistics.speakers))

    @property
    def phonemes(self) -> Mapping[str, int]:
        """Characters of the phonemes, and how often each stands in them."""
        return self._statistics.phonemes

    @property
    def languages(self) -> Mapping[str, int]:
        """Examples by language."""
        return self._statistics.languages

    def stream(self, seed: int, epoch: int, rank: int = 0, world: int = 1, start: int = 0) -> Stream:
        """One epoch in the order that belongs to `(seed, epoch)`, for one of `world` ranks.

        The ranks take turns in that one order, so together they give each example once, and differ by one at most.
        `start` leaves out the first examples of this rank without reading what they lie in.
        """
        if not 0 <= rank < world:
            raise ValueError(f"rank {rank} is none of {world}")
        return Stream(self._windows(seed, epoch, rank, world, start), self.codec.codebooks)

    def _windows(self, seed: int, epoch: int, rank: int, world: int, start: int) -> Iterator[tuple[list[Path], _Turns]]:
        """The shards of each window, and which of their examples this rank gives in which order."""
        shuffled = np.random.default_rng([seed, epoch]).permutation(len(self._files))
        before = 0
        for number, first in enumerate(range(0, len(shuffled), WINDOW)):
            chosen = shuffled[first : first + WINDOW]
            size = int(self._sizes[chosen].sum())
            own = range((rank - before) % world, size, world)
            before += size
            if start >= len(own):
                start -= len(own)
                continue
            order = np.random.default_rng([seed, epoch, number]).permutation(size)
            yield [self._files[each] for each in chosen], order[own.start :: world][start:]
            start = 0


_Turns = np.ndarray
"""Numbers of examples in a window, its shards counted through."""


class Stream(Iterator[Example]):
    """One epoch of one rank."""

    def __init__(self, windows: Iterator[tuple[list[Path], _Turns]], codebooks: int) -> None:
        self._windows = windows
        self._codebooks = codebooks
        self._shards: list[Shard] = []
        self._turns: Iterator[tuple[int, int]] = iter(())

    def __next__(self) -> Example:
        turn = next(self._turns, None)
        while turn is None:
            self._open(*next(self._windows))
            turn = next(self._turns, None)
        shard, row = turn
        return self._shards[shard].example(row)

    def others(self, example: Example) -> Sequence[Example]:
        """The other utterances of an example's speaker in its shard, always in the same order; they may be none.

        To be asked while the example's window is open, at best when it has just been given. Raises `KeyError` later.
        """
        for shard in self._shards:
            row = shard.rows.get(example.id)
            if row is not None:
                rows = shard.speakers[example.speaker]
                return Others(shard, rows[rows != row])
        raise KeyError(f"example {example.id!r} lies in no shard of the window that is open now")

    def _open(self, files: list[Path], turns: _Turns) -> None:
        self._shards.clear()
        self._shards.extend(Shard.read(path, self._codebooks) for path in files)
        starts = np.cumsum([0, *map(len, self._shards)])
        numbers = np.searchsorted(starts, turns, side="right") - 1
        self._turns = zip(numbers.tolist(), (turns - starts[numbers]).tolist(), strict=True)


class Others(Sequence[Example]):
    """Some examples of a shard, each made when it is asked for."""

    def __init__(self, shard: Shard, rows: np.ndarray) -> None:
        self._shard = shard
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Example: ...

    @overload
    def __getitem__(self, place: slice) -> Others: ...

    def __getitem__(self, place: int | slice) -> Example | Others:
        if isinstance(place, slice):
            return Others(self._shard, self._rows[place])
        return self._shard.example(int(self._rows[place]))
