"""A job file's YAML, read from parser events: nothing is constructed, everything is bounded, every node has its line.

Scalars follow YAML 1.2's core schema where it cannot surprise: `null`, `true`, `false`, and numbers in their usual
form. `no`, `on`, `00123`, `12:30:45`, `1_000` and dates are strings. Under `items` and `defaults` every plain scalar
but null is a string, exactly as written, because the types of an item's fields are the task's to say.
"""

from __future__ import annotations

import math
import os
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson
import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from valle_engine.errors import JobError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_BYTES = 256 * 2**20
MAX_DEPTH = 32
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
MAX_EXPANSION = 2**26  # characters that aliases may repeat

KeyPath = tuple[str | int, ...]
_Event = Any  # the library's own types leave out which events have a tag, an anchor, a place

_TEXT_SECTIONS = frozenset({"items", "defaults"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,17})?(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")


class PackedItems:
    """The inline items as one run of compact JSON texts: a tenth of what the objects would take."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("Q")
        self._lines = array("Q")

    def add(self, value: Any, line: int) -> None:
        """Keep one item."""
        self._text.extend(orjson.dumps(value))
        self._ends.append(len(self._text))
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Each item's line and value."""
        start = 0
        with memoryview(self._text) as text:
            for line, end in zip(self._lines, self._ends, strict=True):
                yield line, orjson.loads(text[start:end])
                start = end


@dataclass(frozen=True, slots=True)
class Document:
    """A job file as written: its values without the inline items, and the line of every key and list entry."""

    values: dict[str, Any]
    lines: dict[KeyPath, int]
    items: PackedItems | None

    def line(self, path: KeyPath) -> int:
        """The line of a node, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path) -> Document:
    """Read a job file. Raises `JobError` with the one place where it stopped making sense."""
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_BYTES:
                message = f"the file has {size / 2**20:.0f} MiB, a job file may have {MAX_BYTES // 2**20}"
                raise JobError([Problem(message, str(path), hint="put the items into a JSONL, CSV or Parquet file")])
            return _parse(stream, str(path))
    except OSError as error:
        raise JobError([Problem(f"cannot read the job: {error.strerror}", str(path))]) from None


def _parse(stream: BinaryIO, file: str) -> Document:
    try:
        return _Reader(stream, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise JobError([Problem(_syntax(error), file, mark.line + 1 if mark else None)]) from None
    except yaml.reader.ReaderError as error:
        message = f"character #x{int(error.character):02x} cannot stand in a job file: {error.reason}"
        raise JobError([Problem(message, file, _line_at(stream, error.position), hint="save it as UTF-8")]) from None


def _syntax(error: yaml.MarkedYAMLError) -> str:
    # The parser reads ahead, and since libyaml 0.2.6 it has a limit of its own, far above ours.
    if "maximum nesting depth" in str(error.problem):
        return TOO_DEEP
    said = " ".join(part for part in (error.context, error.problem) if part)
    return f"not valid YAML: {said}"


def _line_at(stream: BinaryIO, offset: int) -> int:
    stream.seek(0)
    return stream.read(offset).count(b"\n") + 1


class _Plain(str):
    """A scalar written without quotes: text until somebody asks for its type."""

    __slots__ = ()


class _Reader:
    """Turns one stream of events into a document. `_weight` counts characters, so that aliases can be bounded."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._next: Callable[[], _Event] = yaml.CSafeLoader(stream).get_event
        self._file = file
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._lines: dict[KeyPath, int] = {}
        self._depth = 0
        self._weight = 0
        self._expanded = 0

    def document(self) -> Document:
        self._next()  # the stream starts
        if isinstance(event := self._next(), StreamEndEvent):
            raise self._error("the file is empty", event, "a job needs at least `name`, `task` and `items`")
        if not isinstance(event := self._next(), MappingStartEvent) or event.tag is not None:
            raise self._error("a job is a mapping: `name: ...`, `task: ...`, `items: ...`", event)
        values: dict[str, Any] = {}
        packed = self._sections(values)
        if not isinstance(event := self._next(), DocumentEndEvent):
            raise self._error("the job's mapping ends, yet the file goes on", event)
        if not isinstance(event := self._next(), StreamEndEvent):
            raise self._error("a second document; a file holds one job", event)
        return Document(values, self._lines, packed)

    def _sections(self, values: dict[str, Any]) -> PackedItems | None:
        packed = None
        for key in self._keys(values, ()):
            event = self._next()
            if key == "items" and isinstance(event, SequenceStartEvent) and event.tag is None:
                packed, values[key] = self._packed(), []
            else:
                value = self._node(event, (key,))
                values[key] = _resolved(value, str if key in _TEXT_SECTIONS else _typed)
        return packed

    def _packed(self) -> PackedItems:
        packed = PackedItems()
        self._depth = 2
        while not isinstance(event := self._next(), SequenceEndEvent):
            packed.add(self._node(event, None), event.start_mark.line + 1)
        self._depth = 0
        return packed

    def _node(self, event: _Event, path: KeyPath | None) -> Any:
        """Compose one node; `path` is None where no lines are kept."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            raise self._error(f"the tag {event.tag!r} is not allowed", event, "a job holds plain values only")
        before = self._weight
        value = self._scalar(event) if isinstance(event, ScalarEvent) else self._collection(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._weight - before
        return value

    def _scalar(self, event: ScalarEvent) -> str | None:
        text: str = event.value
        self._weight += len(text) + 1
        if event.style:
            return text
        return None if text in _NULLS else _Plain(text)

    def _collection(self, event: _Event, path: KeyPath | None) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(TOO_DEEP, event)
        self._weight += 1
        value = self._mapping(path) if isinstance(event, MappingStartEvent) else self._sequence(path)
        self._depth -= 1
        return value

    def _mapping(self, path: KeyPath | None) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key in self._keys(values, path):
            values[key] = self._node(self._next(), None if path is None else (*path, key))
        return values

    def _keys(self, known: dict[str, Any], path: KeyPath | None) -> Iterator[str]:
        """Give each key of a mapping; whoever takes it reads its value before asking for the next."""
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event)
            if key in known:
                raise self._error(f"the key {key!r} is given twice", event, "the second would hide the first")
            if path is not None:
                self._lines[(*path, key)] = event.start_mark.line + 1
            yield key

    def _key(self, event: _Event) -> str:
        if not isinstance(event, ScalarEvent) or event.tag is not None or (not event.value and not event.style):
            raise self._error("a key must be text", event)
        if event.value == "<<" and not event.style:
            raise self._error("merge keys (<<) are not supported", event, "shared fields of items go into `defaults`")
        self._weight += len(event.value) + 1
        return str(event.value)

    def _sequence(self, path: KeyPath | None) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            step = None if path is None else (*path, len(values))
            if step is not None:
                self._lines[step] = event.start_mark.line + 1
            values.append(self._node(event, step))
        return values

    def _alias(self, event: AliasEvent) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(f"no anchor &{event.anchor} is finished above this alias", event)
        value, weight = self._anchors[event.anchor]
        self._weight += weight
        self._expanded += weight
        if self._expanded > MAX_EXPANSION:
            raise self._error(f"aliases repeat more than {MAX_EXPANSION // 2**20} MiB of text", event)
        return value

    def _error(self, message: str, event: _Event, hint: str = "") -> JobError:
        return JobError([Problem(message, self._file, event.start_mark.line + 1, hint=hint)])


def _resolved(value: Any, resolve: Callable[[str], Any]) -> Any:
    """The value with every plain scalar replaced by what it stands for."""
    if isinstance(value, dict):
        return {key: _resolved(each, resolve) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, resolve) for each in value]
    return resolve(value) if isinstance(value, _Plain) else value


def _typed(text: str) -> str | bool | int | float:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and text.lower().partition("e")[0] not in {"", "-"}:
        number = float(text)
        return number if math.isfinite(number) else str(text)
    return str(text)
