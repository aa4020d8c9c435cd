"""The samplers the engine ships, offered through the public hook."""

from valle_engine import hookimpl


@hookimpl
def samplers() -> list[type]:
    """Offer them."""
    return []
