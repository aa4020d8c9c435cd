"""The tasks the engine ships, offered through the public hook."""

from valle_engine import hookimpl
from valle_plugins.tasks.espeak import Espeak
from valle_plugins.tasks.tts import TextToSpeech


@hookimpl
def tasks() -> list[type]:
    """Offer them."""
    return [Espeak, TextToSpeech]
