"""Rows become items: chosen, renamed, completed with defaults, checked.

All of it streams, so that a manifest may be of any size.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pydantic import ValidationError

from valle_engine.errors import JobError, Problem
from valle_engine.job.paths import Base, path_fields
from valle_engine.job.schema import Reading
from valle_engine.registry import problems_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from valle_engine.parts import BaseItem, Row, Source

MAX_DEPTH = 32
NEAR = 0.8
_PLAIN = (str, int, float, bool, type(None))


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

    def holds(self, id_hash: int) -> bool:
        """Tell whether the item with this hash belongs to the shard."""
        return id_hash % self.count == self.index - 1


class Picked(NamedTuple):
    """A row that belongs to the job, not yet checked. `ordinal` counts them from 0."""

    ordinal: int
    row: Row
    id: str
    hash: int


class Checked(NamedTuple):
    """An item that may be worked. `extras` are columns that are no field of it: carried along, determining nothing."""

    ordinal: int
    line: int
    hash: int
    item: BaseItem
    extras: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a job's items come from and what makes a row one of them.

    `defaults` have absolute paths; `needs` names the scorer that needs a field, `base` is where rows' paths start.
    """

    source: Source
    item: type[BaseItem]
    base: Base
    reading: Reading = field(default_factory=Reading)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    shard: Shard | None = None

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
        if not row.problem and any(_text(row.fields.get(column)) != wanted for column, wanted in where):
            continue
        if not left:
            return
        left -= 1
        item_id = _text(row.fields.get(id_column))
        id_hash = hash_of(item_id)
        if row.problem or manifest.shard is None or manifest.shard.holds(id_hash):
            yield Picked(ordinal, row, item_id, id_hash)
            ordinal += 1


def checked_items(manifest: Manifest) -> Iterator[Checked | Problem]:
    """Stream every item of the job, or what is wrong with it; one row may give several problems."""
    for picked in picked_rows(manifest):
        try:
            yield check(manifest, picked)
        except JobError as error:
            yield from error.problems


def check(manifest: Manifest, picked: Picked) -> Checked:
    """Make an item of a row. Raises `JobError` with everything that is wrong with it."""
    row, kind = picked.row, manifest.item
    if row.problem:
        raise JobError([manifest.problem(row, row.problem)])
    own = _renamed(row, manifest.reading.rename)
    problems = [
        manifest.problem(row, f"unknown column {column!r}", hint=hint)
        for column, hint in _near_misses(kind, tuple(own), frozenset(manifest.reading.where))
    ]
    problems += _locate_paths(manifest, row, own)
    fields = {**manifest.defaults, **own}
    try:
        item = kind.model_validate(fields)
    except ValidationError as error:
        found = problems_of(error, kind, f"item {picked.id!r}" if picked.id else "item without an id")
        raise JobError([*problems, *(manifest.problem(row, p.message, p.path, p.hint) for p in found)]) from None
    extras = {name: value for name, value in fields.items() if name not in kind.model_fields}
    problems += _unmet(manifest, row, item, extras)
    problems += [
        manifest.problem(row, f"nested deeper than {MAX_DEPTH} levels", name)
        for name, value in extras.items()
        if not isinstance(value, _PLAIN) and _deeper_than(value, MAX_DEPTH)
    ]
    if problems:
        raise JobError(problems)
    return Checked(picked.ordinal, row.line, picked.hash, item, extras)


def hash_of(item_id: str) -> int:
    """64 bits that stand for an id, the same on every machine."""
    return int.from_bytes(blake2b(item_id.encode("utf-8", "replace"), digest_size=8).digest())


def _text(value: Any) -> str:
    """A value as a manifest of text would show it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _renamed(row: Row, rename: Mapping[str, str]) -> dict[str, Any]:
    """The row's present fields under our names."""
    own = {name: value for name, value in row.fields.items() if value is not None}
    moved = {ours: own.pop(theirs) for ours, theirs in rename.items() if theirs in own}
    return {**own, **moved} if moved else own


@lru_cache(maxsize=1024)
def _near_misses(kind: type[BaseItem], columns: tuple[str, ...], used: frozenset[str]) -> list[tuple[str, str]]:
    """Columns that are no field but look like one that the row lacks, each with the way out.

    The bar is higher than for options: a column that is no field is nothing unusual.
    """
    absent = {_folded(name): name for name in kind.model_fields if name not in columns}
    found = []
    for column in columns:
        if column in kind.model_fields or column in used:
            continue
        near = difflib.get_close_matches(_folded(column), absent, n=1, cutoff=NEAR)
        if near:
            ours = absent[near[0]]
            found.append((column, f"did you mean {ours!r}? `rename: {{{ours}: {column}}}` says so"))
    return found


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _locate_paths(manifest: Manifest, row: Row, own: dict[str, Any]) -> list[Problem]:
    """Make the row's paths absolute, in place, and tell which lead nowhere."""
    problems = []
    for name in path_fields(manifest.item):
        value = own.get(name)
        if isinstance(value, str):
            own[name], wrong = manifest.base.locate(value)
            if wrong:
                problems.append(manifest.problem(row, wrong, name))
    return problems


def _unmet(manifest: Manifest, row: Row, item: BaseItem, extras: Mapping[str, Any]) -> list[Problem]:
    return [
        manifest.problem(row, f"item {item.id!r} has no {need!r}, which the scorer {scorer!r} needs", need)
        for need, scorer in manifest.needs.items()
        if extras.get(need) is None and getattr(item, need, None) is None
    ]


def _deeper_than(value: Any, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not levels or any(_deeper_than(child, levels - 1) for child in children)
