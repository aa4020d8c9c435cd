"""Measures of time: how long an output is against its reference, and how long it took to make."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.errors import ItemError
from valle_engine.parts import Scorer
from valle_plugins.scorers.sound import reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.parts import Take


class DurationError(Scorer):
    """How far a duration is off, in shares of what it should be: that of the output's sound, or the value `seconds`.

    `duration-error.seconds` is signed: below 0 for what is too short.
    """

    name: ClassVar[str] = "duration-error"

    reference: str = Field("reference", description="Column with the recording that is as long as it should be.")
    seconds: str = Field("", description="Column with that length in seconds, instead of a recording.")

    def fields(self) -> frozenset[str]:
        """The recording, or the seconds."""
        return frozenset({self.seconds or self.reference})

    def files(self) -> frozenset[str]:
        """The recording."""
        return frozenset() if self.seconds else frozenset({self.reference})

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The error of each take."""
        return [self._of(take) for take in takes]

    def _of(self, take: Take) -> dict[str, float]:
        wanted = float(take.fields[self.seconds]) if self.seconds else reference_of(take, self.reference).seconds
        if wanted <= 0:
            raise ItemError(f"{take.outcome.id}: an expected length of {wanted:g} s tells nothing")
        error = _seconds(take) - wanted
        return {"duration-error": abs(error) / wanted, "duration-error.seconds": error}


class RealTimeFactor(Scorer):
    """Seconds that the task took in shares of the sound it gave; items at work at the same time share a machine."""

    name: ClassVar[str] = "real-time-factor"

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The factor of each take."""
        return [{"real-time-factor": take.outcome.seconds / _seconds(take)} for take in takes]


def _seconds(take: Take) -> float:
    """Seconds of a take's sound, or those that its task tells."""
    file = take.outcome.file
    if file is not None and file.rate and file.samples:
        return file.samples / file.rate
    told = take.outcome.values.get("seconds")
    if not isinstance(told, int | float) or told <= 0:
        raise ItemError(f"{take.outcome.id} has neither sound nor a value `seconds`")
    return float(told)
