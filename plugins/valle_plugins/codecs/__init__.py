"""The codecs the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def codecs() -> list[type]:
    """Offer them."""
    return []
