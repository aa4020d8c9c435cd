"""The scorers the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def scorers() -> list[type]:
    """Offer them."""
    return []
