"""The run that a command line names: by its output folder, its state folder, or its job file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import JobError, Problem, StoreError
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.places import is_url
from valle_engine.store.readers import Ledgers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from valle_engine.job.loading import Job


@dataclass(frozen=True, slots=True)
class NamedRun:
    """Where a run's outputs and ledgers are; `job` is None when a folder was named."""

    folder: str
    state: Path
    job: Job | None

    @property
    def outputs(self) -> OutputFolder:
        """The output folder."""
        return OutputFolder(self.folder)

    def ledgers(self) -> Ledgers:
        """Its ledgers, open to read. Raises `StoreError` when there are none."""
        return Ledgers(self.state)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item as its job asks for it now."""

    id: str
    fields: Mapping[str, Any]
    fingerprint: str


def named_run(name: str) -> NamedRun:
    """Find the run behind a word of the command line. Raises `StoreError`; `JobError` for a job file with mistakes."""
    path = Path(name)
    if path.is_file():
        return _of_job(path)
    if path.is_dir():
        with Ledgers.of_folder(path) as ledgers:
            return NamedRun(ledgers.folder, ledgers.state, None)
    if is_url(name):
        raise StoreError(f"the ledger of {name} is in a local folder: name that folder, or the job file")
    raise StoreError(f"there is no {name}: name an output folder, or a job file")


def wanted_items(job: Job) -> Iterator[Wanted]:
    """Stream the items of a job with their fingerprints. Raises `JobError` at the first item that is wrong."""
    from valle_engine.job.fingerprints import (  # noqa: PLC0415 - a folder can be looked at without loading jobs
        FileDigests,
        fingerprint,
        item_fields,
        recipe,
        recipe_digest,
    )
    from valle_engine.job.items import checked_items  # noqa: PLC0415 - same

    files = FileDigests()
    digest = recipe_digest(recipe(job, files))
    for checked in checked_items(job.manifest):
        if isinstance(checked, Problem):
            raise JobError([checked])
        fields = item_fields(checked.item, files)
        yield Wanted(checked.item.id, fields, fingerprint(digest, fields))


def _of_job(path: Path) -> NamedRun:
    from valle_engine.job.loading import load_job  # noqa: PLC0415 - a folder can be looked at without loading jobs
    from valle_engine.plugins import load_plugins  # noqa: PLC0415 - same

    job = load_job(path, load_plugins())
    return NamedRun(job.folder, job.state, job)
