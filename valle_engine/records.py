"""The frozen records that travel between processes: plain data and numpy, never torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

State = Literal["done", "failed", "quarantined", "rejected"]
"""What became of an item: `rejected` = worked, but no take passed the gate; `quarantined` = it killed its workers."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound: `samples` (n,) float32 in [-1, 1], one channel, at `rate` Hz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Result:
    """What a task hands back for an item: sound, values (JSON types), or both."""

    clip: Clip | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file in its final place, as it was promised when it was written.

    `path` is relative to the output folder with forward slashes; `samples` and `rate` are 0 for what is not sound.
    """

    path: str
    bytes: int
    sha256: str
    samples: int = 0
    rate: int = 0


class Stretch(NamedTuple):
    """Bytes inside a file that several items share; `path` is relative to the output folder."""

    path: str
    start: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item failed: the error's class name, its message, and the traceback or the worker's last words."""

    kind: str
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One item on its way to a worker.

    `fields` are checked, plain values; `ordinal` is the item's place in the manifest, from 0; `attempt` counts takes
    from 0; `mark` stands for the manifest's row as it was given.
    """

    id: str
    fields: Mapping[str, Any]
    fingerprint: str
    attempt: int = 0
    expected_seconds: float = 0.0
    ordinal: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order.

    `seconds` is the wall time of the task itself; `crashes` and `errors` are what the item was charged with so far.
    `scores` holds the kept take's scores, `takes` one mapping per attempt when a gate judged them. `transcripts` is
    what was heard of the kept take, as each transcriber wrote it, and as `said:SCORER` and `expected:SCORER` what a
    scorer compared; `scored_by` is the digest of the scoring that gave all that.
    """

    id: str
    state: State
    fingerprint: str
    attempt: int = 0
    file: OutputFile | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    takes: tuple[Mapping[str, Any], ...] = ()
    failure: Failure | None = None
    retryable: bool = False
    seconds: float = 0.0
    worker: str = ""
    crashes: int = 0
    errors: int = 0
    transcripts: Mapping[str, str] = field(default_factory=dict)
    scored_by: str = ""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as the told hooks and the display see it: `items` in the manifest, `pending` of them to be worked."""

    job: str
    task: str
    folder: str
    items: int
    pending: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended. Counts are items over the whole ledger; `worked` is what this run settled itself.

    `stopped` says why the run ended early, empty when it did not; `exit_code` is 0 all done, 2 some not done,
    3 aborted, 130 interrupted (143 by SIGTERM). `products` are the places of what was made of the outcomes, `problems`
    say what could not be made.
    """

    items: int
    worked: int
    counts: Mapping[str, int]
    audio_seconds: float
    wall_seconds: float
    stopped: str
    exit_code: int
    products: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
