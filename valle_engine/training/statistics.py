"""What a corpus holds: counts that are made shard by shard and added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from valle_engine.training.examples import Example


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of some examples.

    `seconds` is their sound, `noisy` those that also lie in noise. `speakers` and `languages` count examples,
    `phonemes` the characters of all phonemes, `lengths` examples by whole seconds.
    """

    examples: int = 0
    seconds: float = 0.0
    frames: int = 0
    noisy: int = 0
    speakers: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    phonemes: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Statistics:
        """Count examples."""
        some = list(examples)
        return cls(
            examples=len(some),
            seconds=sum(each.seconds for each in some),
            frames=sum(len(each.codes) for each in some),
            noisy=sum(each.noisy is not None for each in some),
            speakers=Counter(each.speaker for each in some),
            languages=Counter(each.language for each in some),
            phonemes=Counter(letter for each in some for letter in each.phonemes),
            lengths=Counter(int(each.seconds) for each in some),
        )

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Statistics:
        """Read what `plain` gave."""
        counters = {name: Counter(plain[name]) for name in ("speakers", "languages", "phonemes")}
        lengths = Counter({int(second): count for second, count in plain["lengths"].items()})
        return cls(**{**plain, **counters, "lengths": lengths})

    def plain(self) -> dict[str, Any]:
        """The counts as JSON has them, in a stable order."""
        facts = _counts(self)
        for name in ("speakers", "languages", "phonemes", "lengths"):
            facts[name] = {str(key): count for key, count in sorted(facts[name].items())}
        return facts

    def __add__(self, other: Statistics) -> Statistics:
        mine, theirs = _counts(self), _counts(other)
        return Statistics(**{name: mine[name] + theirs[name] for name in mine})

    def missing(self, vocabulary: Iterable[str]) -> Counter[str]:
        """Characters of the phonemes that a vocabulary has no symbol for, and how often each stands there."""
        known = set(vocabulary)
        return Counter({letter: count for letter, count in self.phonemes.items() if letter not in known})


def _counts(statistics: Statistics) -> dict[str, Any]:
    """The counts by name; the counters themselves, no copies."""
    return {name: getattr(statistics, name) for name in Statistics.__dataclass_fields__}
