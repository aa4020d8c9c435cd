"""Ctrl-C and its kin: the first asks the run to finish what is running, the second to leave at once."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_SECONDS = 0.5


class Interrupted(KeyboardInterrupt):
    """A signal came while something ran that has no orders to finish; it holds the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


class Interrupts:
    """Owns the signals of the run while it lasts; a context manager of the main thread.

    `count` says how many came, `first` which came first.
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:  # noqa: PYI034 - nothing inherits from it
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Within it a signal raises `Interrupted` where it comes: what runs leaves nothing half done behind.

        One that came already raises it at once. Python drops what is raised in a finaliser or in a callback of a C
        library, so it is raised again until it is heard.
        """
        for number in SIGNALS:
            signal.signal(number, self._raise)
        before = signal.signal(signal.SIGALRM, self._raise_again)
        try:
            self._raise_noted()
            yield
            self._raise_noted()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self.install()

    def install(self) -> None:
        """Take the signals, again after a library has taken them for itself."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.first or signal.SIGINT)

    @property
    def reason(self) -> str:
        """The first signal in words, empty when none came."""
        return f"interrupted by {self.first.name}" if self.first else ""

    def _raise(self, number: int, frame: Any) -> None:
        self._note(number, frame)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)
        raise Interrupted(number)

    def _raise_again(self, _number: int, _frame: Any) -> None:
        if not _clearing_up():
            self._raise_noted()

    def _raise_noted(self) -> None:
        if self.first:
            raise Interrupted(self.first)

    def _note(self, number: int, _frame: Any) -> None:
        self.count += 1
        self.first = self.first or signal.Signals(number)


def _clearing_up() -> bool:
    """Whether what runs is the end of something that was interrupted."""
    error = sys.exception()
    while error and not isinstance(error, Interrupted):
        error = error.__context__
    return error is not None
