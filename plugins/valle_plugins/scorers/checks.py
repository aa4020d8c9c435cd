"""Checks of a take by itself: silence, clipping, length, cut ends. They are cheap, and what a book's gate judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from valle_engine.errors import ItemError
from valle_engine.pace import reading_seconds
from valle_engine.parts import Scorer
from valle_plugins.scorers.sound import output_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from valle_engine.parts import Take
    from valle_engine.records import Clip

FRAME_SECONDS = 0.01
FLOOR_DECIBELS = -120.0


class SoundCheck(Scorer):
    """A check that reads the output's sound."""

    needs: ClassVar[frozenset[str]] = frozenset({"audio"})


class Silence(SoundCheck):
    """Longest silence between the first and the last sound, in seconds.

    `silence.share` is the share of the whole that is silent, `silence.start` and `silence.end` are the silences around
    the speech, in seconds.
    """

    name: ClassVar[str] = "silence"

    below: float = Field(-40.0, lt=0, description="A frame of 10 ms is silent so many dB below the loudest one.")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The silences of each take; one without any sound is silent throughout."""
        return [self._of(output_of(take)) for take in takes]

    def _of(self, clip: Clip) -> dict[str, float]:
        import numpy as np  # noqa: PLC0415 - only what scores loads it

        levels = frame_levels(clip)
        quiet = levels < max(float(levels.max(initial=FLOOR_DECIBELS)) + self.below, FLOOR_DECIBELS + 1)
        loud = np.flatnonzero(~quiet)
        if not len(loud):
            return {"silence": clip.seconds, "silence.share": 1.0, "silence.start": clip.seconds, "silence.end": 0.0}
        gaps = np.diff(loud) - 1
        return {
            "silence": float(gaps.max(initial=0)) * FRAME_SECONDS,
            "silence.share": float(quiet.mean()),
            "silence.start": float(loud[0]) * FRAME_SECONDS,
            "silence.end": float(len(quiet) - 1 - loud[-1]) * FRAME_SECONDS,
        }


class Clipping(SoundCheck):
    """Share of the samples that lie at full scale beside another one there: the tops of waves that were cut off."""

    name: ClassVar[str] = "clipping"

    level: float = Field(0.999, gt=0, le=1, description="What counts as full scale.")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The share of each take, and its loudest sample."""
        return [self._of(output_of(take)) for take in takes]

    def _of(self, clip: Clip) -> dict[str, float]:
        import numpy as np  # noqa: PLC0415 - only what scores loads it

        full = np.abs(clip.samples) >= self.level
        beside = full & (np.concatenate([full[1:], [False]]) | np.concatenate([[False], full[:-1]]))
        peak = float(np.abs(clip.samples).max(initial=0.0))
        return {"clipping": float(beside.mean()) if len(full) else 0.0, "clipping.peak": peak}


class Length(SoundCheck):
    """How many times longer or shorter the sound is than it should be: 1 is right, 2 is twice or half as long.

    `length.ratio` is below 1 for what is too short. What it should be stands in a column or among the task's values, in
    seconds; without one it is the time that reading the text aloud takes.
    """

    name: ClassVar[str] = "length"

    expected: str = Field("", description="Column or value with the seconds expected; none goes by the text.")
    text: str = Field("text", description="Column with the text, where that tells.")
    slack: float = Field(0.0, ge=0, le=60, description="Seconds too many or too few that do not count.")

    def fields(self) -> frozenset[str]:
        """The text, unless seconds are expected by name."""
        return frozenset() if self.expected else frozenset({self.text})

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The factor of each take."""
        return [self._of(take) for take in takes]

    def _of(self, take: Take) -> dict[str, float]:
        seconds, expected = output_of(take).seconds, self._expected(take)
        if expected <= 0 or seconds <= 0:
            raise ItemError(f"{take.outcome.id}: {seconds:g} s of sound cannot be held against {expected:g} s")
        ratio = seconds / expected
        factor = max((seconds - self.slack) / expected, expected / (seconds + self.slack), 1.0)
        return {"length": factor, "length.ratio": ratio, "length.seconds": seconds}

    def _expected(self, take: Take) -> float:
        if not self.expected:
            return reading_seconds(str(take.fields[self.text]), str(take.fields.get("language") or "en"))
        given = take.outcome.values.get(self.expected, take.fields.get(self.expected))
        try:
            return float(given)
        except (TypeError, ValueError):
            raise ItemError(f"{take.outcome.id}: {self.expected!r} is {given!r}, no number of seconds") from None


class CutEnding(SoundCheck):
    """How loud the sound still is at its louder end, in dB against its loudest tenth of a second.

    Speech that was cut off ends near 0; speech that was said to its end fades far below.
    """

    name: ClassVar[str] = "cut-ending"

    window: float = Field(0.02, gt=0, le=1, description="Seconds at each end that are measured.")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The level of each take's ends."""
        return [self._of(output_of(take)) for take in takes]

    def _of(self, clip: Clip) -> dict[str, float]:
        loudest = float(frame_levels(clip, 0.1).max(initial=FLOOR_DECIBELS))
        count = max(1, round(self.window * clip.rate))
        start = level(clip.samples[:count]) - loudest
        end = level(clip.samples[-count:]) - loudest
        return {"cut-ending": max(start, end), "cut-ending.start": start, "cut-ending.end": end}


def frame_levels(clip: Clip, seconds: float = FRAME_SECONDS) -> np.ndarray:
    """Levels (frames,) in dB of full scale; a last frame that is not full is left out, unless it is the only one."""
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    size = max(1, round(seconds * clip.rate))
    samples = clip.samples if len(clip.samples) >= size else np.pad(clip.samples, (0, size - len(clip.samples)))
    whole = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    power = np.square(whole).mean(axis=1)
    levels: np.ndarray = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DECIBELS / 10)))
    return levels


def level(samples: np.ndarray) -> float:
    """Level of samples in dB of full scale."""
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
    return float(10 * np.log10(max(power, 10 ** (FLOOR_DECIBELS / 10))))
