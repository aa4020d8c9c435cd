"""The sources the engine ships, offered through the public hook."""

from valle_engine import Source, hookimpl
from valle_plugins.sources.audio_folder import AudioFolder
from valle_plugins.sources.book import Book
from valle_plugins.sources.emilia import Emilia
from valle_plugins.sources.hugging_face import HuggingFaceFolder, HuggingFaceParquet
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.kaldi import Kaldi
from valle_plugins.sources.lhotse import Lhotse
from valle_plugins.sources.librilight import LibriLight
from valle_plugins.sources.librispeech import LibriSpeech, LibriSpeechPC
from valle_plugins.sources.libritts import LibriTTS
from valle_plugins.sources.ljspeech import LJSpeech
from valle_plugins.sources.nemo import Nemo
from valle_plugins.sources.parquet import Parquet
from valle_plugins.sources.seed_tts_eval import SeedTtsEval
from valle_plugins.sources.table import Table
from valle_plugins.sources.text import Text
from valle_plugins.sources.vctk import Vctk


@hookimpl
def sources() -> list[type[Source]]:
    """Offer them."""
    general: list[type[Source]] = [AudioFolder, Book, JsonLines, Parquet, Table, Text]
    sets: list[type[Source]] = [
        HuggingFaceFolder,
        HuggingFaceParquet,
        Kaldi,
        Lhotse,
        LibriSpeech,
        LibriSpeechPC,
        Nemo,
        SeedTtsEval,
    ]
    corpora: list[type[Source]] = [Emilia, LibriLight, LibriTTS, LJSpeech, Vctk]
    return [*general, *sets, *corpora]
