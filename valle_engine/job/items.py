"""Rows become items: chosen, renamed, completed with defaults, checked.

All of it streams, so that a manifest may be of any size.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pydantic import ValidationError

from valle_engine.errors import JobError, Problem
from valle_engine.job.paths import Base, path_fields
from valle_engine.job.schema import Reading
from valle_engine.job.voices import Voices
from valle_engine.registry import problems_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from valle_engine.parts import BaseItem, Row, Source

MAX_DEPTH = 32
NEAR = 0.8
RESERVED = "@"
REPEAT = "@repeat"
"""In an item's fields: which of its repeats it is, from 1, where the job has several."""
CACHED_COLUMNS = 1024
_PLAIN = frozenset({str, int, float, bool, type(Path())})


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of a manifest, chosen by a hash of the ids: it stays the same when items are added."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2/4`. Raises `JobError` for anything else."""
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise JobError([Problem(f"{text!r} is no shard", path="--shard", hint="such as 2/4: the second of four")])
        return cls(int(index), int(count))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, item_id: str) -> bool:
        """Tell whether the item belongs to the shard, the same on every machine."""
        digest = blake2b(item_id.encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest) % self.count == self.index - 1


class Picked(NamedTuple):
    """A row that belongs to the job, not yet checked.

    `ordinal` counts them from 0; `hash` are 64 bits that stand for the id in this process.
    """

    ordinal: int
    row: Row
    id: str
    hash: int


class Given(NamedTuple):
    """What a row and the defaults say, under our names and with absolute paths; not yet an item."""

    picked: Picked
    fields: Mapping[str, Any]
    problems: list[Problem]


class Checked(NamedTuple):
    """An item that may be worked. `given` is what its row and the defaults said."""

    ordinal: int
    line: int
    hash: int
    item: BaseItem
    given: Mapping[str, Any]

    @property
    def extras(self) -> dict[str, Any]:
        """The columns that are no field of the item: carried along, determining nothing."""
        known = type(self.item).model_fields
        return {name: value for name, value in self.given.items() if name not in known}


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a job's items come from and what makes a row one of them.

    `defaults` have absolute paths; `needs` names the scorer that needs a field, `base` is where rows' paths start,
    `files` are columns beside the item's own fields that name files. Each row is done `repeats` times.
    """

    source: Source
    item: type[BaseItem]
    base: Base
    reading: Reading = field(default_factory=Reading)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    shard: Shard | None = None
    voices: Voices = field(default_factory=Voices)
    repeats: int = 1
    files: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether all rows are read: those that are left out may hold what the others lack."""
        return self.shard is None and self.limit is None and self.reading.limit is None

    def problem(self, row: Row, message: str, path: str = "", hint: str = "") -> Problem:
        """A mistake in one row."""
        return Problem(message, self.source.place(), row.line or None, path, hint)


def picked_rows(manifest: Manifest) -> Iterator[Picked]:
    """Stream the rows that belong to the job in a stable order, unchecked."""
    where = [(column, wanted or "") for column, wanted in manifest.reading.where.items()]
    limits = [limit for limit in (manifest.limit, manifest.reading.limit) if limit is not None]
    left = min(limits, default=-1)
    id_column = manifest.reading.rename.get("id", "id")
    ordinal = 0
    for row in manifest.source.rows():
        if where and not row.problem and any(_text(row.fields.get(column)) != wanted for column, wanted in where):
            continue
        if not left:
            return
        left -= 1
        for same in _repeated(row, id_column, manifest.repeats):
            item_id = _text(same.fields.get(id_column))
            if same.problem or manifest.shard is None or manifest.shard.holds(item_id):
                yield Picked(ordinal, same, item_id, hash(item_id))
                ordinal += 1


def _repeated(row: Row, id_column: str, times: int) -> Iterator[Row]:
    """A row as often as it is to be done, each time with an id, and so a random stream, of its own."""
    item_id = _text(row.fields.get(id_column))
    if times == 1 or row.problem or not item_id:
        yield row
        return
    for number in range(1, times + 1):
        fields = {**row.fields, id_column: f"{item_id}.{number}", REPEAT: number}
        yield replace(row, fields=fields)


def checked_items(manifest: Manifest) -> Iterator[Checked | Problem]:
    """Stream every item of the job, or what is wrong with it; one row may give several problems."""
    return Checker(manifest).items()


class _Columns(NamedTuple):
    """What the columns of a row are to the task's items: those that hold paths; those that must not be, and why."""

    paths: tuple[str, ...]
    odd: tuple[tuple[str, str], ...]


class Checker:
    """Makes items of rows. What can be told from a row's columns alone is worked out once for rows that share them."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._kind = manifest.item
        # This is `model_validate` without its detour: it is called for every item.
        self._validate = manifest.item.__pydantic_validator__.validate_python
        self._renamed = frozenset(manifest.reading.rename.values())
        self._columns: dict[tuple[str, ...], _Columns] = {}
        self._found: set[str] = set()

    def items(self) -> Iterator[Checked | Problem]:
        """Check every row that belongs to the job."""
        for picked in picked_rows(self._manifest):
            try:
                yield self.check(picked)
            except JobError as error:
                yield from error.problems

    @property
    def unfound(self) -> Mapping[str, str]:
        """The renamings (our field: their column) whose column no row had so far."""
        return {ours: theirs for ours, theirs in self._manifest.reading.rename.items() if ours not in self._found}

    def check(self, picked: Picked) -> Checked:
        """Make an item of a row. Raises `JobError` with everything that is wrong with it."""
        return self.item(self.given(picked))

    def given(self, picked: Picked) -> Given:
        """What a row says, with the defaults. Raises `JobError` for a row that cannot be read."""
        row, manifest = picked.row, self._manifest
        if row.problem:
            raise JobError([manifest.problem(row, row.problem)])
        own = self._own_fields(row)
        columns = self._columns.get(tuple(own)) or self._sorted_out(tuple(own))
        problems = self._special_columns(row, own, columns) if columns.paths or columns.odd else []
        return Given(picked, {**manifest.defaults, **own}, problems)

    def item(self, given: Given) -> Checked:
        """Make an item of what is given. Raises `JobError` with everything that is wrong with it."""
        picked, fields, problems = given
        try:
            item = self._validate(fields)
        except ValidationError as error:
            raise JobError(problems + self._wrong_fields(picked, error)) from None
        if self._manifest.needs or not _PLAIN.issuperset(map(type, fields.values())):
            problems = problems + self._unfit(picked.row, item, fields)
        if problems:
            raise JobError(problems)
        return Checked(picked.ordinal, picked.row.line, picked.hash, item, fields)

    def _own_fields(self, row: Row) -> dict[str, Any]:
        """The fields that the row itself gives, under our names."""
        own = dict(row.fields)
        if None in own.values():
            own = {name: value for name, value in own.items() if value is not None}
        rename = self._manifest.reading.rename
        if not rename:
            return own
        moved = {ours: own[theirs] for ours, theirs in rename.items() if theirs in own}
        return {**{name: value for name, value in own.items() if name not in self._renamed}, **moved}

    def _sorted_out(self, columns: tuple[str, ...]) -> _Columns:
        if len(self._columns) >= CACHED_COLUMNS:
            self._columns.clear()
        self._found.update(columns)
        known = frozenset(self._kind.model_fields)
        found = self._columns[columns] = _Columns(
            paths=tuple(name for name in path_fields(self._kind) | self._manifest.files if name in columns),
            odd=tuple(_odd(known, columns, self._manifest.reading.where)),
        )
        return found

    def _special_columns(self, row: Row, own: dict[str, Any], columns: _Columns) -> list[Problem]:
        """Make the row's paths absolute, in place; tell which lead nowhere, and which columns are odd."""
        problems = [
            self._manifest.problem(row, f"unknown column {column!r}", hint=hint) for column, hint in columns.odd
        ]
        for name in columns.paths:
            if isinstance(own[name], str):
                own[name], wrong = self._manifest.voices.locate(name, own[name], self._manifest.base)
                if wrong:
                    problems.append(self._manifest.problem(row, wrong, name))
        return problems

    def _wrong_fields(self, picked: Picked, error: ValidationError) -> list[Problem]:
        thing = f"item {picked.id!r}" if picked.id else "item without an id"
        found = problems_of(error, self._kind, thing)
        return [self._manifest.problem(picked.row, each.message, each.path, each.hint) for each in found]

    def _unfit(self, row: Row, item: BaseItem, given: Mapping[str, Any]) -> list[Problem]:
        """Values nested without end, and what a scorer misses."""
        problems = []
        for name, value in given.items():
            if type(value) not in _PLAIN and _deeper_than(value, MAX_DEPTH):
                problems.append(self._manifest.problem(row, f"nested deeper than {MAX_DEPTH} levels", name))
        for need, scorer in self._manifest.needs.items():
            if given.get(need) is None and getattr(item, need, None) is None:
                message = f"item {item.id!r} has no {need!r}, which the scorer {scorer!r} needs"
                problems.append(self._manifest.problem(row, message, need))
        return problems


def _text(value: Any) -> str:
    """A value as a manifest of text would show it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _odd(known: frozenset[str], columns: tuple[str, ...], used: Container[str]) -> Iterator[tuple[str, str]]:
    """Columns that cannot be carried along: those that look like a field the row lacks, each with the way out.

    The bar is higher than for options: a column that is no field is nothing unusual.
    """
    absent = {_folded(name): name for name in known if name not in columns}
    for column in columns:
        if column in known or column in used or column == REPEAT:
            continue
        if column.startswith(RESERVED):
            yield column, f"names that begin with {RESERVED} are the engine's own"
        near = difflib.get_close_matches(_folded(column), absent, n=1, cutoff=NEAR)
        if near:
            ours = absent[near[0]]
            yield column, f"did you mean {ours!r}? `rename: {{{ours}: {column}}}` says so"


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _deeper_than(value: Any, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not levels or any(_deeper_than(child, levels - 1) for child in children)
