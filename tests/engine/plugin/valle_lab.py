"""A plugin to try the engine with: a task that draws a number, a scorer that reads it, hooks that remember."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from valle_engine import BaseItem, Clip, ItemError, Product, Result, Scorer, Take, Task, hookimpl
from valle_engine.parts import FinishedRun

VALLE_API = "1.0"
TOLD: list[str] = []


class Draw(Task):
    """Give a short noise and the number that the item's random stream begins with."""

    name = "draw"

    class Item(BaseItem):
        """An item, and whether it can be done."""

        bad: bool = False

    Item: ClassVar[type[BaseItem]] = Item

    async def run(self, item: Any, kit: Any) -> Result:
        if item.bad:
            raise ValueError("it is bad")
        random = kit.random()
        number = float(random.random())
        return Result(Clip(random.standard_normal(100).astype(np.float32) / 9, 8000), {"number": number})


class Number(Scorer):
    """The number that was drawn; it fails on request."""

    name = "number"
    broken: bool = False

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        if self.broken:
            raise RuntimeError("no idea")
        assert all(take.audio is not None and take.audio.exists() for take in takes)
        return [{"number": take.outcome.values["number"]} for take in takes]


class Broken(Product):
    """A product that cannot be made."""

    name = "broken"

    def make(self, run: FinishedRun) -> Path:
        raise ItemError("no glue")


@hookimpl
def products() -> list[type[Product]]:
    return [Broken]


@hookimpl
def tasks() -> list[type[Task]]:
    return [Draw]


@hookimpl
def scorers() -> list[type[Scorer]]:
    return [Number]


@hookimpl
def run_started(run: Any) -> None:
    TOLD.append(f"started {run.pending}")


@hookimpl
def item_finished(outcome: Any) -> None:
    TOLD.append(f"{outcome.state} {outcome.id}")
    if outcome.id == "awkward":
        raise RuntimeError("I do not like it")


@hookimpl
def run_finished(summary: Any) -> None:
    TOLD.append(f"finished {summary.exit_code}")
