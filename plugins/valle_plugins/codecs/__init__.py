"""The codecs the engine ships, offered through the public hook."""

from valle_engine import hookimpl
from valle_plugins.codecs.encodec import Encodec
from valle_plugins.codecs.vocos import Vocos


@hookimpl
def codecs() -> list[type]:
    """Offer them."""
    return [Encodec, Vocos]
