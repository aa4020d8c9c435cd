"""Finished audiobooks of spoken lines, offered through the public hook."""

from valle_engine import Product, hookimpl
from valle_plugins.audiobook.product import Audiobook


@hookimpl
def products() -> list[type[Product]]:
    """Offer it."""
    return [Audiobook]
