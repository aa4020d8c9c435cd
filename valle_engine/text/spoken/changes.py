"""Where the spoken text differs from the written one."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

Say = Callable[[re.Match[str]], str | None]
"""The words for what a pattern has found; None when it is something else after all."""


@dataclass(frozen=True, slots=True)
class Change:
    """The written characters from `start` to `end`, and what is said for them; `rule` names who says so."""

    start: int
    end: int
    spoken: str
    rule: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and its words; `heading` says that it is for headings alone, `digits` that it finds nothing without."""

    name: str
    pattern: re.Pattern[str]
    say: Say
    heading: bool = False
    digits: bool = True


_SENTENCE_ENDS = re.compile(r"""["”’»)\]]*(?:\s+["“‘«(]*[^\W\d_a-zß-ÿ]|\s*\Z)""")


def closed(match: re.Match[str], spoken: str) -> str:
    """The words with a full stop behind, where the one of an abbreviation also ended the sentence."""
    ends = match[0].endswith(".") and _SENTENCE_ENDS.match(match.string, match.end())
    return f"{spoken}." if ends else spoken


@dataclass(slots=True)
class Rewriting:
    """A text under change: no character is changed twice, whoever comes first has it."""

    text: str
    changes: list[Change] = field(default_factory=list)
    _taken: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self._taken = bytearray(len(self.text))

    def claim(self, start: int, end: int, spoken: str, rule: str) -> bool:
        """Change some characters; tells whether they were free."""
        if self._taken.find(1, start, end) >= 0:
            return False
        self._taken[start:end] = b"\1" * (end - start)
        self.changes.append(Change(start, end, spoken, rule))
        return True

    def obey(self, rules: Iterable[Rule], *, heading: bool = False) -> None:
        """Let rules change what is free, each in its turn."""
        has_digits = any(letter.isnumeric() for letter in self.text)
        for rule in rules:
            if (rule.heading and not heading) or (rule.digits and not has_digits):
                continue
            for found in rule.pattern.finditer(self.text):
                spoken = rule.say(found)
                if spoken is not None and spoken != found[0]:
                    self.claim(*found.span(), spoken, rule.name)

    def ordered(self) -> list[Change]:
        """The changes in the order of the text."""
        return sorted(self.changes, key=lambda change: change.start)


def between(changes: Sequence[Change], start: int, end: int) -> Sequence[Change]:
    """The changes, which are in order, that lie whole in a part of the text."""
    first = bisect_left(changes, start, key=attrgetter("start"))
    last = bisect_right(changes, end, key=attrgetter("end"))
    return changes[first:last]


def cuts_into(changes: Sequence[Change], at: int) -> bool:
    """Whether a place lies inside one of the changes, which are in order."""
    before = bisect_left(changes, at, key=attrgetter("start"))
    return before > 0 and changes[before - 1].end > at


def applied(text: str, changes: Sequence[Change], start: int = 0, end: int | None = None) -> str:
    """The spoken form of a part of the text, on one line; changes are in order and lie whole inside or outside."""
    end = len(text) if end is None else end
    pieces: list[str] = []
    at = start
    for change in between(changes, start, end):
        pieces += [text[at : change.start], _apart(text, change)]
        at = change.end
    return " ".join("".join([*pieces, text[at:end]]).split())


def _apart(text: str, change: Change) -> str:
    """The words of a change, kept apart from letters that stand right beside what they replace."""
    spoken = change.spoken
    if not spoken:
        return spoken
    before = text[change.start - 1] if change.start else " "
    after = text[change.end] if change.end < len(text) else " "
    left = " " if _meet(before, spoken[0]) else ""
    right = " " if _meet(spoken[-1], after) else ""
    return f"{left}{spoken}{right}"


def _meet(left: str, right: str) -> bool:
    """Whether two characters would run into one word, in a script that keeps words apart."""
    return all(letter.isalnum() and letter < "\u2e80" for letter in (left, right))
