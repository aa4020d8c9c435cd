"""Japanese spelled as it is read, because espeak-ng reads kana and no kanji."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from pykakasi import kakasi

_LOCK = threading.Lock()


def hiragana(text: str) -> str:
    """The text in hiragana; what is no Japanese stays. Raises `ItemError` when the package that reads it is missing."""
    with _LOCK:  # the dictionary's look-ups share state
        return "".join(piece["hira"] for piece in _reader().convert(text))


@cache
def _reader() -> kakasi:
    try:
        import pykakasi  # noqa: PLC0415 - an extra
    except ImportError:
        raise ItemError("to read Japanese, install pykakasi (GPL-3): pip install 'valle-engine[ja]'") from None
    return pykakasi.kakasi()  # type: ignore[no-untyped-call]
