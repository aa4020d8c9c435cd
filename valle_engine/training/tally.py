"""What lessons cost and how they went, told apart by task and head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from valle_engine.training.collation import Pack
    from valle_engine.training.learner import Losses


@dataclass(slots=True)
class Tally:
    """Sums over lessons: how many, their places, and by task and head their number, losses and shares of hits."""

    lessons: int = 0
    places: int = 0
    kinds: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, packs: Sequence[Pack], losses: Iterable[Losses]) -> Tally:
        """The tally of packs."""
        tally = cls()
        for pack, each in zip(packs, losses, strict=True):
            tally.add(pack, each)
        return tally

    def add(self, pack: Pack, losses: Losses) -> None:
        """Count a pack in."""
        self.lessons += len(pack.tasks)
        self.places += len(pack.positions)
        for kind, loss, right in zip(pack.tasks, losses.lessons.tolist(), losses.right.tolist(), strict=True):
            count, total, hits = self.kinds.get(kind, (0, 0.0, 0.0))
            self.kinds[kind] = (count + 1, total + loss, hits + right)

    @property
    def loss(self) -> float:
        """Mean loss of a lesson."""
        return sum(total for _, total, _ in self.kinds.values()) / max(1, self.lessons)

    def figures(self) -> dict[str, float]:
        """Mean loss and share of right targets of each kind, by name."""
        found: dict[str, float] = {}
        for kind, (count, total, hits) in sorted(self.kinds.items()):
            found[f"loss {kind}"] = total / count
            found[f"right {kind}"] = hits / count
        return found
