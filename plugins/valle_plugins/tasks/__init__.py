"""The tasks the engine ships, offered through the public hook."""

from valle_engine import hookimpl
from valle_plugins.tasks.espeak import Espeak


@hookimpl
def tasks() -> list[type]:
    """Offer them."""
    return [Espeak]
