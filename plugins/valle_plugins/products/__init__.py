"""The products the engine ships, offered through the public hook."""

from valle_engine import Product, hookimpl
from valle_plugins.products.jsonl import JsonLines
from valle_plugins.products.parquet import Parquet
from valle_plugins.products.shards import Shards


@hookimpl
def products() -> list[type[Product]]:
    """Offer them."""
    return [JsonLines, Parquet, Shards]
