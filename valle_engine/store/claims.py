"""Claims: small files in the output folder that say which ledgers its outputs are recorded in.

They make a lost ledger visible: where there is a claim, or an output, there must be the ledger of it. Without them a
run would find nothing done and silently do everything again.
"""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import StoreError
from valle_engine.store.ledger import LedgerReader
from valle_engine.store.places import ALL, is_label, shards_of

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.store.ledger import Ledger
    from valle_engine.store.outputs import OutputFolder

FOLDER = ".valle/claims"

_WAY_OUT = "put it back, or begin again with `valle run --start-over`"


@dataclass(frozen=True, slots=True)
class Claim:
    """One run's hold on an output folder: the unique name of its ledger, and where that was."""

    ledger: str
    host: str
    path: str


def claimants(outputs: OutputFolder) -> list[str]:
    """The labels (`all`, or `1-of-4`) of the runs that claim an output folder."""
    names = [name.removeprefix(f"{FOLDER}/").removesuffix(".json") for name in outputs.names(FOLDER)]
    return [name for name in names if is_label(name)]


def check(outputs: OutputFolder, path: Path, label: str) -> None:
    """Raise `StoreError` unless the ledger at `path` is the one these outputs belong to, or neither exists yet."""
    found = claimants(outputs)
    _check_division(found, label, outputs)
    own = _read(outputs, label) if label in found else None
    if own is None:
        if not found and not path.exists() and outputs.has_outputs():
            raise StoreError(f"{outputs.spec} holds outputs, but there is no ledger {path} of them: {_WAY_OUT}")
        return
    if not path.exists():
        raise StoreError(
            f"the ledger {path} of the outputs in {outputs.spec} is missing{_elsewhere(own, path)}: {_WAY_OUT}"
        )
    with LedgerReader(path) as ledger:
        if ledger.uuid != own.ledger:
            raise StoreError(
                f"the ledger {path} is not the one of the outputs in {outputs.spec}{_elsewhere(own, path)}: {_WAY_OUT}"
            )


def stake(outputs: OutputFolder, ledger: Ledger, label: str) -> None:
    """Claim an output folder for a ledger."""
    claim = Claim(ledger.uuid, socket.gethostname(), str(ledger.path.absolute()))
    if label not in claimants(outputs) or _read(outputs, label) != claim:
        outputs.write(_name(label), orjson.dumps(asdict(claim)))


def withdraw(outputs: OutputFolder, label: str) -> None:
    """Give up a claim: its ledger has been set aside."""
    outputs.remove(_name(label))


def _check_division(found: list[str], label: str, outputs: OutputFolder) -> None:
    for other in found:
        if shards_of(other) != shards_of(label):
            raise StoreError(
                f"the outputs in {outputs.spec} were begun as {_division(other)}, this run is {_division(label)}: "
                "run it in the same parts, or begin again with `valle run --start-over`"
            )


def _division(label: str) -> str:
    return "one run without shards" if label == ALL else f"{shards_of(label)} shards"


def _elsewhere(claim: Claim, path: Path) -> str:
    if claim.path == str(path.absolute()) and claim.host == socket.gethostname():
        return ""
    return f" (theirs was {claim.path} on {claim.host})"


def _name(label: str) -> str:
    return f"{FOLDER}/{label}.json"


def _read(outputs: OutputFolder, label: str) -> Claim:
    name = _name(label)
    try:
        facts: Any = orjson.loads(outputs.read(name))
        return Claim(**facts)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise StoreError(f"{name} in the output folder is damaged: {_WAY_OUT}") from error
