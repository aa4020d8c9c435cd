"""What a job has to do: every item checked, and decided upon against the ledger, before anything starts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from valle_engine.errors import JobError, Problem
from valle_engine.job.census import Census
from valle_engine.job.fingerprints import FileDigests, GivenMarks, fingerprint, item_fields, recipe, recipe_digest
from valle_engine.job.items import Checker, picked_rows
from valle_engine.records import Order

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from valle_engine.job.items import Checked, Given, Picked
    from valle_engine.job.loading import Job
    from valle_engine.parts import BaseItem
    from valle_engine.records import OutputFile, State

CHUNK = 100  # rows that are looked up together; more of them do not fit the fast caches and cost more than they save
BYTES_PER_SECOND = {"wav": 48_000, "flac": 28_000}  # 24 kHz, 16 bit, one channel; speech as FLAC takes some 60 % of it


class Reason(IntEnum):
    """Why an item is to be done, or that it is not."""

    SETTLED = 0
    NEW = 1
    TRIED = 2
    CHANGED = 3
    OUTPUT = 4
    UNRECORDED = 5

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return _WORDS[self]


_WORDS = {
    Reason.SETTLED: "settled",
    Reason.NEW: "new",
    Reason.TRIED: "failed before",
    Reason.CHANGED: "changed",
    Reason.OUTPUT: "output missing or damaged",
    Reason.UNRECORDED: "output exists, but the ledger does not know it",
}


class Entry(Protocol):
    """What the ledger knows of a settled item."""

    @property
    def ordinal(self) -> int | None:
        """Its place in the manifest when it was settled, or last arranged."""

    @property
    def state(self) -> State:
        """What became of it."""

    @property
    def fingerprint(self) -> str:
        """What it was made from."""

    @property
    def mark(self) -> str:
        """What stands for the manifest's row as it was then."""

    @property
    def file(self) -> OutputFile | None:
        """Its output, as promised."""


class Lookup(Protocol):
    """The ledger's entries of some ids; ids that it has not settled are left out."""

    def __call__(self, ids: Sequence[str], /) -> Mapping[str, Entry]:
        """Look up some hundred ids at once."""


@dataclass(slots=True)
class Plan:
    """The decision about every item, a byte and a hash each. `settled` counts items by the state they are in.

    `known` counts the items that the ledger has a row of, `moved` tells whether one of them has another place now, and
    `restated` holds the places of settled items whose rows say something else that determines nothing.
    `characters` and `seconds` (of audio, as the task expects them) are those of the items to do.
    """

    job: Job
    recipe: Mapping[str, Any]
    recipe_digest: str
    files: FileDigests
    marks: GivenMarks
    hashes: array[int]
    reasons: bytearray = field(default_factory=bytearray)
    settled: Counter[State] = field(default_factory=Counter)
    known: int = 0
    moved: bool = False
    restated: set[int] = field(default_factory=set)
    characters: int = 0
    seconds: float = 0.0

    @property
    def items(self) -> int:
        """Items of the job."""
        return len(self.reasons)

    @property
    def to_do(self) -> dict[Reason, int]:
        """Items to do by the reason why; reasons without items are left out."""
        counts = {reason: self.reasons.count(reason) for reason in Reason if reason is not Reason.SETTLED}
        return {reason: count for reason, count in counts.items() if count}

    @property
    def disk_bytes(self) -> int:
        """Estimate of the room that the outputs to do will take."""
        return round(self.seconds * BYTES_PER_SECOND[self.job.spec.output.format])

    def add_work(self, item: BaseItem) -> None:
        """Count in what an item to do will take."""
        self.characters += len(getattr(item, "text", None) or "")
        self.seconds += self.job.task.expected_seconds(item)

    def pending(self) -> Iterator[Order]:
        """Stream the items to do, read from the source once more. Raises `JobError` when it is not what it was."""
        checker = Checker(self.job.manifest)
        for picked in self._again():
            if self.reasons[picked.ordinal]:
                yield self._order(checker.check(picked))

    def restatements(self) -> Iterator[Order]:
        """Stream the settled items whose rows say something else now, as they say it, read once more."""
        checker = Checker(self.job.manifest)
        return (self._order(checker.check(picked)) for picked in self._again() if picked.ordinal in self.restated)

    def places(self) -> Iterator[tuple[str, int]]:
        """Stream every item's id and place in the manifest, read once more. Raises `JobError` as `pending` does."""
        return ((picked.id, picked.ordinal) for picked in self._again())

    def _again(self) -> Iterator[Picked]:
        count = 0
        for count, picked in enumerate(picked_rows(self.job.manifest), start=1):
            if count > self.items or picked.hash != self.hashes[picked.ordinal]:
                raise self._changed(f"item {count} is now {picked.id!r}", picked.row.line)
            yield picked
        if count < self.items:
            raise self._changed(f"it has {count} items, it had {self.items}")

    def _changed(self, how: str, line: int | None = None) -> JobError:
        message = f"the manifest changed since the job was checked: {how}"
        hint = "what is done is kept; run the job again"
        return JobError([Problem(message, self.job.source.place(), line or None, hint=hint)])

    def _order(self, checked: Checked) -> Order:
        fields = item_fields(checked.item, self.files)
        mark = fingerprint(self.recipe_digest, fields)
        seconds = self.job.task.expected_seconds(checked.item)
        return Order(
            checked.item.id,
            {**checked.extras, **fields},
            mark,
            expected_seconds=seconds,
            ordinal=checked.ordinal,
            mark=self.marks.of(checked.given),
        )


def make_plan(
    job: Job,
    lookup: Lookup,
    check_output: Callable[[OutputFile], str | None],
    *,
    exists: Callable[[str], bool] | None = None,
    tried: Container[str] = frozenset(),
) -> Plan:
    """Check every item of a job and decide what is to be done, in one pass and bounded memory.

    `check_output` says what is wrong with an output of the ledger, None for a good one; `exists` tells whether an id
    that the ledger does not know has an output; `tried` holds the ids that were begun and not settled. Items that
    failed, were rejected or quarantined stay so while nothing changes about them. Raises `JobError` with what is wrong
    with the items.
    """
    files = FileDigests()
    made_by = recipe(job, files)
    census = Census(job.manifest)
    digest = recipe_digest(made_by)
    plan = Plan(job, made_by, digest, files, GivenMarks(job.manifest, digest, files), census.hashes)
    planner = _Planner(plan, census, lookup, check_output, exists, tried)
    for chunk in _chunks(census.rows()):
        planner.decide(chunk)
    census.finish()
    if problems := census.problems():
        raise JobError(problems)
    return plan


@dataclass(frozen=True, slots=True)
class _Planner:
    """Decides about items, a chunk at a time: the ledger is asked once for each."""

    plan: Plan
    census: Census
    lookup: Lookup
    check_output: Callable[[OutputFile], str | None]
    exists: Callable[[str], bool] | None
    tried: Container[str]

    def decide(self, chunk: Sequence[Given]) -> None:
        entries = self.lookup([given.picked.id for given in chunk])
        for given in chunk:
            entry = entries.get(given.picked.id)
            if entry is not None and self._same_row(given, entry) and self._output_holds(entry):
                self.census.known(given)
                self._settle(given.picked.ordinal, entry)
            elif checked := self.census.check(given):
                self._decide_item(checked, entry)

    def _decide_item(self, checked: Checked, entry: Entry | None) -> None:
        reason = self._unknown(checked.item.id) if entry is None else self._known(checked, entry)
        if entry is not None and not reason:
            self._settle(checked.ordinal, entry)
            self.plan.restated.add(checked.ordinal)
            return
        if entry is not None:
            self._meet(checked.ordinal, entry)
        self.plan.reasons.append(reason)
        self.plan.add_work(checked.item)

    def _settle(self, ordinal: int, entry: Entry) -> None:
        self._meet(ordinal, entry)
        self.plan.reasons.append(Reason.SETTLED)
        self.plan.settled[entry.state] += 1

    def _meet(self, ordinal: int, entry: Entry) -> None:
        """Count an item that the ledger has a row of."""
        self.plan.known += 1
        self.plan.moved = self.plan.moved or entry.ordinal != ordinal

    def _same_row(self, given: Given, entry: Entry) -> bool:
        return bool(entry.mark) and not given.problems and self.plan.marks.of(given.fields) == entry.mark

    def _output_holds(self, entry: Entry) -> bool:
        file = entry.file if entry.state == "done" else None
        return file is None or self.check_output(file) is None

    def _unknown(self, item_id: str) -> Reason:
        if item_id in self.tried:
            return Reason.TRIED
        return Reason.UNRECORDED if self.exists is not None and self.exists(item_id) else Reason.NEW

    def _known(self, checked: Checked, entry: Entry) -> Reason:
        if fingerprint(self.plan.recipe_digest, item_fields(checked.item, self.plan.files)) != entry.fingerprint:
            return Reason.CHANGED
        return Reason.SETTLED if self._output_holds(entry) else Reason.OUTPUT


def _chunks(rows: Iterable[Given]) -> Iterator[list[Given]]:
    stream = iter(rows)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk
