"""The sources the engine ships, offered through the public hook."""

from valle_engine import Source, hookimpl
from valle_plugins.sources.audio_folder import AudioFolder
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.parquet import Parquet
from valle_plugins.sources.table import Table
from valle_plugins.sources.text import Text


@hookimpl
def sources() -> list[type[Source]]:
    """Offer them."""
    return [AudioFolder, JsonLines, Parquet, Table, Text]
