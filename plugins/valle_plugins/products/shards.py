"""A corpus to train on, of what the task `prepare` has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from valle_engine.parts import Product
from valle_engine.training.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from valle_engine.parts import FinishedRun


class Shards(Layout, Product):
    """Shards of examples in the folder `shards`, each with several utterances of its speakers, and their index."""

    name: ClassVar[str] = "shards"

    def make(self, run: FinishedRun) -> Path:
        """Write those that are not there yet. Raises `StoreError`."""
        from valle_engine.training.kept import pack_run  # noqa: PLC0415 - pyarrow loads when there is a corpus to write

        return pack_run(run, self)
