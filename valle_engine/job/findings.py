"""Collect the problems of one job file, each at its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valle_engine.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valle_engine.job.yaml import Document, KeyPath


@dataclass(frozen=True, slots=True)
class Findings:
    """The problems found so far. `overridden` are the top paths that the command line set, which have no line."""

    file: str
    document: Document
    overridden: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Note a problem at a place in the job file."""
        dotted = ".".join(map(str, path))
        if any(dotted == option or dotted.startswith(f"{option}.") for option in self.overridden):
            self.problems.append(Problem(message, "command line", None, dotted, hint))
        else:
            self.problems.append(Problem(message, self.file, self.document.line(path), dotted, hint))

    def add_part(self, path: KeyPath, problems: Iterable[Problem]) -> None:
        """Note the problems of a part that stands at this place; their own paths start there."""
        for problem in problems:
            steps = tuple(int(step) if step.isdecimal() else step for step in problem.path.split(".") if step)
            self.add((*path, *steps), problem.message, problem.hint)
