"""The transcribers the engine ships, offered through the public hook."""

from valle_engine import Transcriber, hookimpl


@hookimpl
def transcribers() -> list[type[Transcriber]]:
    """Offer them."""
    return []
