"""The tasks the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def tasks() -> list[type]:
    """Offer them."""
    return []
