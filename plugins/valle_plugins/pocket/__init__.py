"""Pocket: the small model that comes with the engine, trained on synthetic speech alone."""

from valle_engine import Codec, Model, Transcriber, hookimpl
from valle_plugins.pocket.codec import PocketCodec
from valle_plugins.pocket.model import Pocket
from valle_plugins.pocket.transcriber import Recogniser


@hookimpl
def codecs() -> list[type[Codec]]:
    """Offer its codec."""
    return [PocketCodec]


@hookimpl
def models() -> list[type[Model]]:
    """Offer it."""
    return [Pocket]


@hookimpl
def transcribers() -> list[type[Transcriber]]:
    """Offer its recogniser."""
    return [Recogniser]
