"""Text to what a model reads: language, phonemes, token ids. Importing it loads no espeak-ng."""

from valle_engine.text.detection import detect_language
from valle_engine.text.frontend import Normaliser, TextFrontEnd, Utterance
from valle_engine.text.languages import LANGUAGES, Language, find_language
from valle_engine.text.phonemes import Phonemizer, spelled
from valle_engine.text.tokenizer import Tokenizer

__all__ = [
    "LANGUAGES",
    "Language",
    "Normaliser",
    "Phonemizer",
    "TextFrontEnd",
    "Tokenizer",
    "Utterance",
    "detect_language",
    "find_language",
    "spelled",
]
