"""The normalisers the engine ships, offered through the public hook."""

from valle_engine import Normaliser, hookimpl
from valle_plugins.normalisers.plain import Basic, Unchanged
from valle_plugins.normalisers.seed_tts import SeedTts
from valle_plugins.normalisers.whisper import Whisper


@hookimpl
def normalisers() -> list[type[Normaliser]]:
    """Offer them."""
    return [Unchanged, Basic, SeedTts, Whisper]
