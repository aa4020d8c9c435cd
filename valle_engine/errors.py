"""The error tree.

ValleError
├── JobError          a job cannot start; holds every problem found
├── PluginError       a plugin is broken, too old, or clashes with another
├── StoreError        the ledger or the output folder cannot be trusted or written
│   └── DiskFull      … because no space is left; what is pending stays pending
├── RunAborted        a run stopped itself: breaker, full disk, nothing left to run on
├── AudioError        an audio file cannot be read, or is not what it claims
├── CheckpointError   weights cannot be loaded, or are not what was pinned
└── ItemError         one item cannot be done; final
    └── RetryableError    … but may work when tried again
"""

from dataclasses import dataclass


class ValleError(Exception):
    """Base of every error the engine raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a job or a manifest: what, where, and the way out."""

    message: str
    file: str = ""
    line: int | None = None
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [part for part in (place, self.path) if part]
        text = ": ".join([*parts, self.message])
        return f"{text} ({self.hint})" if self.hint else text


class JobError(ValleError):
    """A job that cannot start, with all of its problems."""

    def __init__(self, problems: str | list[Problem]) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["JobError"], tuple[list[Problem]]]:
        return type(self), (self.problems,)


class PluginError(ValleError):
    """A plugin that cannot be used."""


class StoreError(ValleError):
    """A ledger or an output folder that cannot be trusted or written."""


class DiskFull(StoreError):  # noqa: N818 - it says what happened
    """No space is left for outputs or for the ledger."""


class RunAborted(ValleError):  # noqa: N818 - it is the name of an event, told in the exit code
    """A run that stopped itself; what is done stays done, the rest stays pending."""


class AudioError(ValleError):
    """An audio file that cannot be read or is not what it claims."""


class CheckpointError(ValleError):
    """Weights that cannot be loaded or are not what was pinned."""


class ItemError(ValleError):
    """One item that cannot be done; trying again would not help."""


class RetryableError(ItemError):
    """One item that could not be done this time; it is tried again within its budget."""
