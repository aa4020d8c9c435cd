"""The sources the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def sources() -> list[type]:
    """Offer them."""
    return []
