"""What a job says of its scoring, checked: which transcriber each scorer hears through, and what cannot run here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from valle_engine.parts import Normaliser, TextScorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from valle_engine.parts import Scorer, Transcriber


class Verbatim(Normaliser):
    """Compare texts as they are."""

    name: ClassVar[str] = "verbatim"

    def __call__(self, text: str, language: str) -> str:  # noqa: ARG002 - the same in every language
        """The text."""
        return text


@dataclass(frozen=True, slots=True)
class Scoring:
    """The parts that score a job's outcomes."""

    scorers: tuple[Scorer, ...]
    transcribers: tuple[Transcriber, ...]
    normaliser: Normaliser

    def needs(self) -> dict[str, str]:
        """The columns that items must have, with the part that reads each."""
        found = {column: scorer.name for scorer in self.scorers for column in sorted(scorer.needs - {"audio"})}
        return found | {column: part.name for part in self._parts() for column in sorted(part.fields())}

    def files(self) -> frozenset[str]:
        """Those columns that name files."""
        return frozenset(column for scorer in self.scorers for column in scorer.files())

    def problems(self, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """What keeps a part from running: its kind's section, the message, the way out.

        `names` are the transcribers that are installed.
        """
        for scorer in self.scorers:
            yield from (("scores", message, "") for message in scorer.check_job())
            if isinstance(scorer, TextScorer) and transcriber_of(scorer, self.transcribers) is None:
                message = f"scorer {scorer.name!r} compares {scorer.hears}, and no transcriber writes that"
                known = ", ".join(names) or "none"
                yield "scores", message, f"add `scoring: {{transcribers: […]}}`; installed: {known}"
        for transcriber in self.transcribers:
            yield from (("scoring", message, "") for message in transcriber.check_job())

    def _parts(self) -> Iterator[Scorer | Transcriber]:
        yield from self.scorers
        yield from self.transcribers


def transcriber_of(scorer: TextScorer, transcribers: Sequence[Transcriber]) -> Transcriber | None:
    """The transcriber that a scorer hears through: the first that writes what it compares.

    Phonemes are made of text where nothing writes phonemes; the other way there is none.
    """
    by_form: Mapping[str, list[Transcriber]] = {
        form: [each for each in transcribers if each.writes == form] for form in ("text", "phonemes")
    }
    wanted = by_form[scorer.hears] or (by_form["text"] if scorer.hears == "phonemes" else [])
    return wanted[0] if wanted else None
