"""The gate: is a take good enough, and which of several is the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.job.schema import Bound
    from valle_engine.records import Outcome


def refusal(take: Outcome, accept: Mapping[str, Bound]) -> list[str]:
    """Why a take is not accepted, in words; empty when it is. One that could not be scored is not."""
    if take.state != "done" and take.failure:
        return [take.failure.message]
    return violations(take.scores, accept)


def best_of(takes: Sequence[Outcome], accept: Mapping[str, Bound]) -> Outcome:
    """The best of several takes; one that could not be scored has no scores, and so is the worst."""
    return takes[best_take([take.scores for take in takes], accept)]


def note_of(take: Outcome) -> dict[str, Any]:
    """What is kept of every take, chosen or not: its attempt, its scores, what was heard, why it was no take at all."""
    raw = {name: text for name, text in take.transcripts.items() if ":" not in name}
    heard = {"transcripts": raw} if raw else {}
    why = {"failure": take.failure.message} if take.failure else {}
    return {"attempt": take.attempt, **take.scores, **heard, **why}


def violations(scores: Mapping[str, float], accept: Mapping[str, Bound]) -> list[str]:
    """Why a take is not accepted, in words; empty when it is. A score that is missing is a reason."""
    found = []
    for name, bound in accept.items():
        if name not in scores:
            found.append(f"{name} was not scored")
        elif bound.max is not None and not scores[name] <= bound.max:
            found.append(f"{name} {scores[name]:g} is above {bound.max:g}")
        elif bound.min is not None and not scores[name] >= bound.min:
            found.append(f"{name} {scores[name]:g} is below {bound.min:g}")
    return found


def best_take(takes: Sequence[Mapping[str, float]], accept: Mapping[str, Bound]) -> int:
    """Index of the take that breaks the fewest bounds, then breaks them by the least; the earlier one on a tie."""
    return min(range(len(takes)), key=lambda index: (*_badness(takes[index], accept), index))


def _badness(scores: Mapping[str, float], accept: Mapping[str, Bound]) -> tuple[int, float]:
    excess = [_excess(scores.get(name), bound) for name, bound in accept.items()]
    return sum(each > 0 for each in excess), sum(excess)


def _excess(score: float | None, bound: Bound) -> float:
    """How far a score is outside its bound, in shares of the bound; 0 inside, infinite when missing or not a number."""
    if score is None or score != score:  # noqa: PLR0124 - only a NaN differs from itself
        return float("inf")
    over = score - bound.max if bound.max is not None else 0.0
    under = bound.min - score if bound.min is not None else 0.0
    size = max(abs(bound.max or 0.0), abs(bound.min or 0.0), 1e-9)
    return max(over, under, 0.0) / size
