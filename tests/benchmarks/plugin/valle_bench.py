"""Tasks that cost nothing, so that what is measured is the engine."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

from valle_engine import BaseItem, Task, hookimpl

VALLE_API = "1.0"


class NoOp(Task):
    """Do nothing with an item."""

    name = "no-op"

    class Item(BaseItem):
        """A line of a manifest with eight columns."""

        text: str = ""

    Item: ClassVar[type[BaseItem]] = Item

    async def run(self, item: Any, kit: Any) -> dict[str, Any]:
        return {}


class Sleep(NoOp):
    """Sleep, as a worker does whose accelerator works; kill the worker on request."""

    name = "sleep"
    seconds: float = 0.2
    victim: str = ""
    log: str = ""

    async def run(self, item: Any, kit: Any) -> dict[str, Any]:
        if item.id == self.victim:
            die_once(Path(self.log))
        await asyncio.sleep(self.seconds)
        return {"at": time.time()}


def die_once(log: Path) -> None:
    """Write down the time and kill this process, unless it was done before."""
    if not log.exists():
        log.write_text(repr(time.time()))
        os.kill(os.getpid(), signal.SIGKILL)


@hookimpl
def tasks() -> list[type[Task]]:
    return [NoOp, Sleep]
