"""Pocket: the small model that comes with the engine, trained on synthetic speech alone."""

from valle_engine import Codec, Model, Scorer, Transcriber, hookimpl
from valle_plugins.pocket.codec import PocketCodec
from valle_plugins.pocket.measures import Identification, SpeechGain, SpeechSuppression
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
def scorers() -> list[type[Scorer]]:
    """Offer what its evaluation measures beyond the engine's."""
    return [Identification, SpeechGain, SpeechSuppression]


@hookimpl
def transcribers() -> list[type[Transcriber]]:
    """Offer its recogniser."""
    return [Recogniser]
