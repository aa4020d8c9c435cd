"""Products: what is made of the outcomes when a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valle_engine import hookimpl
from valle_plugins.products.jsonl import JsonLines
from valle_plugins.products.parquet import Parquet

if TYPE_CHECKING:
    from valle_engine.parts import Product

VALLE_API = "1.0"


@hookimpl
def products() -> list[type[Product]]:
    """The products that come with the engine."""
    return [JsonLines, Parquet]
