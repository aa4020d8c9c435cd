"""One pass over all of a job's items that checks each and the whole, in bounded memory."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from valle_engine.errors import JobError, Problem
from valle_engine.job.duplicates import duplicates
from valle_engine.job.items import Checker, picked_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from valle_engine.job.items import Checked, Given, Manifest

SHOWN = 100


class Census:
    """The items of a job, counted and checked. `hashes` stand for the ids of the good ones."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.hashes: array[int] = array("q")
        self._checker = Checker(manifest)
        self._problems: list[Problem] = []
        self._count = 0

    def items(self) -> Iterator[Checked]:
        """Stream the good items; when they have all been taken, `problems` is complete."""
        yield from (checked for given in self.rows() if (checked := self.check(given)))
        self.finish()

    def rows(self) -> Iterator[Given]:
        """Stream what can be read; each is then to be checked, or passed as what was checked before."""
        for picked in picked_rows(self.manifest):
            try:
                yield self._checker.given(picked)
            except JobError as error:
                self._add(error.problems)

    def check(self, given: Given) -> Checked | None:
        """Make an item of what is given, None when it is none."""
        try:
            checked = self._checker.item(given)
        except JobError as error:
            self._add(error.problems)
            return None
        self.hashes.append(checked.hash)
        return checked

    def known(self, given: Given) -> None:
        """Count what an earlier run has checked, word by word the same."""
        self.hashes.append(given.picked.hash)

    def finish(self) -> None:
        """Look for what can be wrong with the whole, after the last row."""
        self._add(duplicates(self.manifest, self.hashes))
        self._add(self._of_the_whole())

    def problems(self) -> list[Problem]:
        """What is wrong with the items: the first of many, and how many more there are."""
        more = self._count - len(self._problems)
        rest = [Problem(f"and {more} more problems with items", self.manifest.source.place())] if more else []
        return [*self._problems, *rest]

    def _add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self._count += 1
            if len(self._problems) < SHOWN:
                self._problems.append(problem)

    def _of_the_whole(self) -> Iterator[Problem]:
        """What can only be said when every row has been seen."""
        place, where = self.manifest.source.place(), self.manifest.reading.where
        if self.hashes and self.manifest.whole:
            for ours, theirs in self._checker.unfound.items():
                yield Problem(f"no row has a column {theirs!r} to be {ours!r}", place, path=f"items.rename.{ours}")
        if not self.hashes and not self._count and self.manifest.shard is None:
            hint = f"`where` leaves out every row: {where}" if where else "a job has at least one"
            yield Problem("no items", place, path="items", hint=hint)
