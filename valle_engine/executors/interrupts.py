"""Ctrl-C and its kin: the first asks the run to finish what is running, the second to leave at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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

    def raise_next(self) -> None:
        """From now on a signal raises `Interrupted` where it comes: what runs leaves nothing half done behind.

        One that came already raises it at once.
        """
        for number in SIGNALS:
            signal.signal(number, self._raise)
        if self.first:
            raise Interrupted(self.first)

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
        raise Interrupted(number)

    def _note(self, number: int, _frame: Any) -> None:
        self.count += 1
        self.first = self.first or signal.Signals(number)
