"""The scorers the engine ships, offered through the public hook."""

from valle_engine import Scorer, hookimpl
from valle_plugins.scorers.checks import Clipping, CutEnding, Length, Silence
from valle_plugins.scorers.errors import CharacterErrorRate, PhonemeErrorRate, Repetition, WordErrorRate
from valle_plugins.scorers.mel import MelDistortion
from valle_plugins.scorers.references import Intelligibility, Quality, ScaleInvariantDistortion
from valle_plugins.scorers.similarity import SpeakerSimilarity
from valle_plugins.scorers.times import DurationError, RealTimeFactor


@hookimpl
def scorers() -> list[type[Scorer]]:
    """Offer them."""
    return [
        CharacterErrorRate,
        Clipping,
        CutEnding,
        DurationError,
        Intelligibility,
        Length,
        MelDistortion,
        PhonemeErrorRate,
        Quality,
        RealTimeFactor,
        Repetition,
        ScaleInvariantDistortion,
        Silence,
        SpeakerSimilarity,
        WordErrorRate,
    ]
