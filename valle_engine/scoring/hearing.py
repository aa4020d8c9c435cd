"""What was heard of an item, set against what should be heard: normalised, or as phonemes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from valle_engine.job.scoring import transcriber_of
from valle_engine.parts import Heard, Take, TextScorer
from valle_engine.scoring.phonetics import Phonetics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.scoring import Scoring
    from valle_engine.parts import Scorer, Transcriber
    from valle_engine.records import Outcome


class Hearing:
    """The transcribers of a scoring and its rules of comparing; it loads no weights."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring
        self._phonetics = Phonetics()

    def ear(self, scorer: Scorer) -> Transcriber | None:
        """The transcriber that a scorer hears through, None for one that compares no transcripts."""
        return transcriber_of(scorer, self._scoring.transcribers) if isinstance(scorer, TextScorer) else None

    def heard(self, scorer: TextScorer, raw: str, fields: Mapping[str, Any]) -> Heard:
        """A transcript as a scorer compares it with the reference among an item's fields. Raises `ItemError`."""
        language, reference = language_of(fields), str(fields[scorer.reference])
        ear, rules = self.ear(scorer), self._scoring.normaliser
        expected = reference if scorer.hears == "text" else self._phonetics.of(reference, language)
        expected = ear.expected(expected, language) if ear else expected
        if scorer.hears == "text":
            return Heard(raw, rules(raw, language), rules(expected, language), language)
        written = ear is not None and ear.writes == "phonemes"
        return Heard(raw, raw if written else self._phonetics.of(raw, language), expected, language)

    def nothing(self, scorer: Scorer, fields: Mapping[str, Any], outcome: Outcome) -> Mapping[str, float]:
        """The figures of an item that gave nothing to score, so that it counts; empty where there is no such figure."""
        worst = {} if scorer.worst is None else {scorer.name: scorer.worst}
        if isinstance(scorer, TextScorer) and scorer.corpus is not None:
            take = Take(fields, outcome, None, self.heard(scorer, "", fields))
            # Silence is right where nothing is to be said, a failure is not.
            return {**scorer.score([take])[0], **worst}
        return worst


def language_of(fields: Mapping[str, Any]) -> str:
    """The language of an item."""
    return str(fields.get("language") or "en")
