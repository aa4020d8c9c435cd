"""What determines an item's output: the recipe of the job, and the fingerprint of each item under it."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from valle_engine.errors import JobError, Problem
from valle_engine.job.model import codec_identity, identity
from valle_engine.job.paths import CACHED_PATHS, path_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.items import Manifest
    from valle_engine.job.loading import Job
    from valle_engine.parts import BaseItem, Codec, Part

LOOK_SECONDS = 1.0
MARK_BYTES = 16
FILES_KEY = "@files"
"""In an item's fields: the sha256 of the files that its path fields name, by field."""


class _Seen(NamedTuple):
    """A file as it was when it was last looked at."""

    size: int
    changed_ns: int
    digest: str
    looked: float


@dataclass(frozen=True, slots=True)
class FileDigests:
    """The sha256 of files, read again only when their size or time has changed; the latest of very many are kept."""

    _known: dict[str, _Seen] = field(default_factory=dict)

    def of(self, path: str) -> str:
        """The digest of a file's content. Raises `JobError` when it cannot be read.

        A hundred thousand items may name one voice, so a file is looked at once in `LOOK_SECONDS`.
        """
        seen = self._known.get(path)
        now = time.monotonic()
        if seen is None or now - seen.looked > LOOK_SECONDS:
            if len(self._known) >= CACHED_PATHS:
                self._known.clear()
            seen = self._known[path] = _looked_at(path, seen, now)
        return seen.digest

    def content(self, path: str) -> str:
        """The digest of a file, or of a folder with all that is in it. Raises `JobError`."""
        if not Path(path).is_dir():
            return self.of(path)
        found = sorted(inner for inner in Path(path).rglob("*") if inner.is_file())
        digests = {str(inner.relative_to(path)): self.of(str(inner)) for inner in found}
        return hashlib.sha256(canonical(digests)).hexdigest()


def _looked_at(path: str, seen: _Seen | None, now: float) -> _Seen:
    try:
        stat = os.stat(path)  # noqa: PTH116 - called once an item
        if seen is not None and (seen.size, seen.changed_ns) == (stat.st_size, stat.st_mtime_ns):
            return seen._replace(looked=now)
        with open(path, "rb") as stream:  # noqa: PTH123 - beside os.stat
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise JobError([Problem(f"cannot read {path}: {error.strerror}")]) from None
    return _Seen(stat.st_size, stat.st_mtime_ns, digest, now)


def recipe(job: Job, files: FileDigests) -> dict[str, Any]:
    """Everything common to all items that determines their outputs.

    Workers, limits, scores, bounds, attempts and places are no part of it: they decide which outputs there are and
    where, not what is in them.
    """
    return {
        "task": _part(job, "task", job.task, files),
        "model": _model(job, files),
        **_codec(job, files),
        "sampling": [_part(job, "sampler", sampler, files) for sampler in job.samplers],
        "seed": job.spec.seed,
        "format": job.spec.output.format,
    }


def recipe_digest(made_by: Mapping[str, Any]) -> str:
    """The sha256 of a recipe."""
    return hashlib.sha256(canonical(made_by)).hexdigest()


def item_fields(item: BaseItem, files: FileDigests) -> dict[str, Any]:
    """The item's fields as plain values, with the digests of its files under `FILES_KEY`, where it names any."""
    # This is `model_dump` without its detour: a resumed run does it for every item.
    fields: dict[str, Any] = item.__pydantic_serializer__.to_python(item, mode="json")
    digests = {name: files.of(fields[name]) for name in path_fields(type(item)) if fields[name] is not None}
    return {**fields, FILES_KEY: digests} if digests else fields


def fingerprint(digest_of_recipe: str, fields: Mapping[str, Any]) -> str:
    """The sha256 of what determines one item's output: the recipe, and its fields (see `item_fields`).

    A file counts by its content, so that moving it changes nothing.
    """
    digests = fields.get(FILES_KEY, {})
    facts = {**fields, **digests} if digests else fields
    return hashlib.sha256(digest_of_recipe.encode() + b"\n" + canonical(facts)).hexdigest()


class GivenMarks:
    """Short hashes of what rows say as they stand, before they are checked.

    A row with the mark it had when it was settled is the same item and needs no second check. What turns a row into an
    item counts too: the recipe, the fields of the task's items, what the scorers need.
    """

    def __init__(self, manifest: Manifest, digest_of_recipe: str, files: FileDigests) -> None:
        facts = [digest_of_recipe, manifest.item.model_json_schema(), sorted(manifest.needs)]
        self._common = hashlib.blake2b(canonical(facts), digest_size=MARK_BYTES)
        self._paths = path_fields(manifest.item)
        self._files = files

    def of(self, fields: Mapping[str, Any]) -> str:
        """The mark of a row's fields; empty when they cannot be marked. Raises `JobError` for an unreadable file."""
        named = [name for name in self._paths if fields.get(name) is not None]
        facts = {**fields, **{name: self._files.of(str(fields[name])) for name in named}} if named else fields
        try:
            text = canonical(facts)
        except TypeError:
            return ""
        mark = self._common.copy()
        mark.update(text)
        return mark.hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with one form for equal values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _part(job: Job, kind: str, part: Part, files: FileDigests) -> dict[str, Any]:
    options = part.model_dump(mode="json")
    options |= {name: files.content(options[name]) for name in path_fields(type(part)) if options[name] is not None}
    package, _, version = job.origins[f"{kind} {part.name}"].rpartition(" ")
    return {"name": part.name, "options": options, "package": package, "version": version}


def _codec(job: Job, files: FileDigests) -> dict[str, Any]:
    """The codec of a job that has one without a model."""
    if job.codec is None:
        return {}
    return {"codec": _codec_facts(job, job.codec, files)}


def _model(job: Job, files: FileDigests) -> dict[str, Any] | None:
    if job.model is None:
        return None
    return identity(job.model, _codec_facts(job, job.model.codec, files), files)


def _codec_facts(job: Job, codec: Codec, files: FileDigests) -> dict[str, Any]:
    facts = codec_identity(_part(job, "codec", codec, files), files)
    own = [files.content(str(path)) for path in codec.files()]
    return {**facts, "files": own} if own else facts
