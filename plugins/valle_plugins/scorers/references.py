"""Measures of an output against a recording of what it should be."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from valle_engine.errors import ItemError
from valle_engine.parts import Scorer
from valle_plugins.scorers.sound import output_of, reference_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from valle_engine.parts import Take

STOI_RATE = 10_000
PESQ_RATES = {"wb": 16_000, "nb": 8000}
LEAST_POWER = 1e-12


class ReferenceScorer(Scorer):
    """A measure against the recording that a column of the items names."""

    needs: ClassVar[frozenset[str]] = frozenset({"audio"})

    reference: str = Field("reference", description="Column with the recording to compare with.")

    def fields(self) -> frozenset[str]:
        """The recording."""
        return frozenset({self.reference})

    def files(self) -> frozenset[str]:
        """The same: it is a file."""
        return frozenset({self.reference})

    def pair(self, take: Take, rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Output and reference (n,) at one rate, both as long as the shorter. Raises `ItemError` for no sound."""
        made, wanted = output_of(take, rate).samples, reference_of(take, self.reference, rate).samples
        length = min(len(made), len(wanted))
        return made[:length], wanted[:length]


class ScaleInvariantDistortion(ReferenceScorer):
    """Scale-invariant signal to distortion ratio in dB at the output's rate (Le Roux et al. 2019, arXiv:1811.02508)."""

    name: ClassVar[str] = "si-sdr"
    better: ClassVar[Literal["lower", "higher"]] = "higher"

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The ratio of each take."""
        return [{"si-sdr": _si_sdr(*self.pair(take, output_of(take).rate))} for take in takes]


class Intelligibility(ReferenceScorer):
    """Short-time objective intelligibility (Taal et al. 2011) by pystoi, 0 to 1."""

    name: ClassVar[str] = "stoi"
    better: ClassVar[Literal["lower", "higher"]] = "higher"
    worst: ClassVar[float | None] = 0.0

    extended: bool = Field(default=False, description="The extended measure (Jensen and Taal 2016).")

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The measure of each take. Raises `ItemError` for one that is too short."""
        from pystoi import stoi  # noqa: PLC0415 - only what scores loads it

        return [{"stoi": _stoi(stoi, take, self.pair(take, STOI_RATE), extended=self.extended)} for take in takes]


class Quality(ReferenceScorer):
    """Perceptual evaluation of speech quality (ITU-T P.862) by pesq, about 1 to 4.6."""

    name: ClassVar[str] = "pesq"
    better: ClassVar[Literal["lower", "higher"]] = "higher"

    mode: Literal["wb", "nb"] = Field("wb", description="Wide band at 16 kHz, or narrow band at 8 kHz.")

    def check_job(self) -> list[str]:
        """The package must be there."""
        missing = importlib.util.find_spec("pesq") is None
        return ["scorer 'pesq' needs a package: pip install 'valle-engine[pesq]'"] if missing else []

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The mean opinion of each take. Raises `ItemError` where it finds no speech."""
        return [{"pesq": self._of(take)} for take in takes]

    def _of(self, take: Take) -> float:
        import pesq  # noqa: PLC0415 - an extra

        rate = PESQ_RATES[self.mode]
        made, wanted = self.pair(take, rate)
        try:
            return float(pesq.pesq(rate, wanted, made, self.mode))
        except pesq.PesqError as error:
            raise ItemError(f"{take.outcome.id}: pesq cannot judge it: {error}") from None


def _si_sdr(made: np.ndarray, wanted: np.ndarray) -> float:
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    given, target = (each.astype(np.float64) - each.mean(dtype=np.float64) for each in (made, wanted))
    energy = float(target @ target)
    if energy < LEAST_POWER:
        raise ItemError("the reference is silent")
    projected = (float(given @ target) / energy) * target
    noise = given - projected
    return float(10 * np.log10((projected @ projected + LEAST_POWER) / (noise @ noise + LEAST_POWER)))


def _stoi(measure: Callable[..., float], take: Take, pair: tuple[np.ndarray, np.ndarray], *, extended: bool) -> float:
    import warnings  # noqa: PLC0415 - beside its only user

    made, wanted = pair
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(measure(wanted, made, STOI_RATE, extended=extended))
        except RuntimeWarning:
            raise ItemError(f"{take.outcome.id}: too little speech in common with its reference for stoi") from None
