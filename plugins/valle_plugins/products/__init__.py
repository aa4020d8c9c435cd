"""The products the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def products() -> list[type]:
    """Offer them."""
    return []
