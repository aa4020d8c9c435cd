"""The transcribers the engine ships, offered through the public hook; a recogniser comes with the model in the box."""

from valle_engine import Transcriber, hookimpl
from valle_plugins.transcribers.given import Given
from valle_plugins.transcribers.stt import SpeechToText
from valle_plugins.transcribers.whisper import Whisper


@hookimpl
def transcribers() -> list[type[Transcriber]]:
    """Offer them."""
    return [Given, SpeechToText, Whisper]
