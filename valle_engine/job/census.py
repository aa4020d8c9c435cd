"""One pass over all of a job's items that checks each and the whole, in bounded memory."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valle_engine.errors import Problem
from valle_engine.job.duplicates import duplicates
from valle_engine.job.items import Checker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valle_engine.job.items import Checked, Manifest

SHOWN = 100


@dataclass(slots=True)
class Census:
    """The items of a job, counted and checked. `hashes` stand for the ids of the good ones."""

    manifest: Manifest
    hashes: array[int] = field(default_factory=lambda: array("q"))
    _problems: list[Problem] = field(default_factory=list)
    _count: int = 0

    def items(self) -> Iterator[Checked]:
        """Stream the good items; when they have all been taken, `problems` is complete."""
        checker = Checker(self.manifest)
        for found in checker.items():
            if isinstance(found, Problem):
                self._add(found)
            else:
                self.hashes.append(found.hash)
                yield found
        for problem in duplicates(self.manifest, self.hashes):
            self._add(problem)
        for problem in self._of_the_whole(checker):
            self._add(problem)

    def problems(self) -> list[Problem]:
        """What is wrong with the items: the first of many, and how many more there are."""
        more = self._count - len(self._problems)
        rest = [Problem(f"and {more} more problems with items", self.manifest.source.place())] if more else []
        return [*self._problems, *rest]

    def _add(self, problem: Problem) -> None:
        self._count += 1
        if len(self._problems) < SHOWN:
            self._problems.append(problem)

    def _of_the_whole(self, checker: Checker) -> Iterator[Problem]:
        """What can only be said when every row has been seen."""
        place, where = self.manifest.source.place(), self.manifest.reading.where
        if self.hashes and self.manifest.whole:
            for ours, theirs in checker.unfound.items():
                yield Problem(f"no row has a column {theirs!r} to be {ours!r}", place, path=f"items.rename.{ours}")
        if not self.hashes and not self._count and self.manifest.shard is None:
            hint = f"`where` leaves out every row: {where}" if where else "a job has at least one"
            yield Problem("no items", place, path="items", hint=hint)
