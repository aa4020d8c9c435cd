"""The tasks the engine ships, offered through the public hook."""

from valle_engine import hookimpl
from valle_plugins.tasks.continuation import Continue
from valle_plugins.tasks.denoise import Denoise
from valle_plugins.tasks.duration import Duration
from valle_plugins.tasks.edit_speech import EditSpeech
from valle_plugins.tasks.espeak import Espeak
from valle_plugins.tasks.extract_speaker import ExtractSpeaker
from valle_plugins.tasks.phonemize import Phonemize
from valle_plugins.tasks.prepare import Prepare
from valle_plugins.tasks.resynthesis import Resynthesise
from valle_plugins.tasks.speech_removal import SpeechRemoval
from valle_plugins.tasks.stt import SpeechToText
from valle_plugins.tasks.tts import TextToSpeech
from valle_plugins.tasks.unphonemize import Unphonemize
from valle_plugins.tasks.voice_conversion import VoiceConversion


@hookimpl
def tasks() -> list[type]:
    """Offer them."""
    return [
        Continue,
        Denoise,
        Duration,
        EditSpeech,
        Espeak,
        ExtractSpeaker,
        Phonemize,
        Prepare,
        Resynthesise,
        SpeechRemoval,
        SpeechToText,
        TextToSpeech,
        Unphonemize,
        VoiceConversion,
    ]
