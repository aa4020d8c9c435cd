"""The run that a command line names: by its output folder, its state folder, or its job file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import StoreError
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.places import is_url
from valle_engine.store.readers import Ledgers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from valle_engine.job.items import Picked
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
    """Stream the items of a job as it asks for them now. Raises `JobError` at the first item that is wrong."""
    from valle_engine.job.items import picked_rows  # noqa: PLC0415 - a folder can be looked at without loading jobs

    wanted = _wanted(job)
    return (wanted(picked) for picked in picked_rows(job.manifest))


def wanted_item(job: Job, item_id: str) -> Wanted | None:
    """One item of a job as it asks for it now; None when it lists none of that id. Raises `JobError`."""
    from valle_engine.job.items import picked_rows  # noqa: PLC0415 - as above

    wanted = _wanted(job)
    return next((wanted(picked) for picked in picked_rows(job.manifest) if picked.id == item_id), None)


def _wanted(job: Job) -> Callable[[Picked], Wanted]:
    from valle_engine.job.fingerprints import (  # noqa: PLC0415 - as above
        FileDigests,
        fingerprint,
        item_fields,
        recipe,
        recipe_digest,
    )
    from valle_engine.job.items import Checker  # noqa: PLC0415 - as above

    checker, files = Checker(job.manifest), FileDigests()
    digest = recipe_digest(recipe(job, files))

    def make(picked: Picked) -> Wanted:
        checked = checker.check(picked)
        fields = item_fields(checked.item, files)
        return Wanted(checked.item.id, fields, fingerprint(digest, fields))

    return make


def _of_job(path: Path) -> NamedRun:
    from valle_engine.job.loading import load_job  # noqa: PLC0415 - a folder can be looked at without loading jobs
    from valle_engine.plugins import load_plugins  # noqa: PLC0415 - same

    job = load_job(path, load_plugins())
    return NamedRun(job.folder, job.state, job)
