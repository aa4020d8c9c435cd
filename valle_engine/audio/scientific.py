"""SciPy's one home: loaded when it is first wanted, by one thread at a time."""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import Any, Literal

_LOADING = RLock()


def scientific(part: Literal["fft", "signal"]) -> Any:
    """A part of SciPy, which takes half a second at first and is often not needed.

    Threads that import its modules side by side may see them half made: rather than let two threads wait for each other
    for ever, Python shows the one what the other has begun.
    """
    with _LOADING:
        return import_module(f"scipy.{part}")
