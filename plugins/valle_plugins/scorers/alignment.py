"""Transcript against reference: what is wrong, counted on the alignment with the fewest errors (jiwer's)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jiwer import AlignmentChunk


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one transcript against a reference of `expected` tokens; `longest` is the longest wrong run of tokens.

    `touched` are places of the reference that are not heard as they should be; an insertion touches the token before
    it.
    """

    expected: int
    substitutions: int
    deletions: int
    insertions: int
    longest: int
    touched: frozenset[int]

    @property
    def count(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors in shares of the reference; against an empty one every token is an error of its own, as in jiwer."""
        return self.count / max(1, self.expected)

    def figures(self, name: str, unit: str) -> dict[str, float]:
        """The figures of a scorer of that name that counts that unit."""
        return {
            name: self.rate,
            f"{name}.errors": float(self.count),
            f"{name}.{unit}": float(self.expected),
            f"{name}.substitutions": float(self.substitutions),
            f"{name}.deletions": float(self.deletions),
            f"{name}.insertions": float(self.insertions),
            f"{name}.longest": float(self.longest),
        }


def errors_of(expected: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> list[Errors]:
    """Errors of each transcript, given as tokens without white space in them."""
    import jiwer  # noqa: PLC0415 - only what scores loads it

    aligned = jiwer.process_words([" ".join(each) for each in expected], [" ".join(each) for each in said])
    return [_errors(len(tokens), chunks) for tokens, chunks in zip(expected, aligned.alignments, strict=True)]


def _errors(expected: int, chunks: Sequence[AlignmentChunk]) -> Errors:
    lengths = {"equal": 0, "substitute": 0, "delete": 0, "insert": 0}
    touched: set[int] = set()
    longest = run = 0
    for chunk in chunks:
        length = max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        lengths[chunk.type] += length
        run = 0 if chunk.type == "equal" else run + length
        longest = max(longest, run)
        if chunk.type == "insert" and expected:
            touched.add(max(0, chunk.ref_start_idx - 1))
        elif chunk.type != "equal":
            touched.update(range(chunk.ref_start_idx, chunk.ref_end_idx))
    return Errors(expected, lengths["substitute"], lengths["delete"], lengths["insert"], longest, frozenset(touched))
