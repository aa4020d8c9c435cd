"""Japanese spelled as it is read, because espeak-ng reads kana and no kanji."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import TYPE_CHECKING

from valle_engine.errors import ItemError

if TYPE_CHECKING:
    from pykakasi import kakasi

_LOCK = threading.Lock()
_JAPANESE = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]+")


def hiragana(text: str) -> str:
    """The text with kanji and katakana in hiragana; what is no Japanese stays.

    Raises `ItemError` for a word without a known reading, or when the package that reads is missing.
    """
    with _LOCK:  # the dictionary's look-ups share state
        return _JAPANESE.sub(lambda run: _reading(run[0]), text)


def _reading(run: str) -> str:
    # Of what it does not know, pykakasi drops some and says some twice: it is given Japanese only, and checked.
    pieces = _reader().convert(run)
    if "".join(piece["orig"] for piece in pieces) != run or not all(piece["hira"] for piece in pieces):
        raise ItemError(f"pykakasi has no reading for a character of {run[:40]!r}; spell it in kana")
    return "".join(piece["hira"] for piece in pieces)


@cache
def _reader() -> kakasi:
    try:
        import pykakasi  # noqa: PLC0415 - an extra
    except ImportError:
        raise ItemError("to read Japanese, install pykakasi (GPL-3): pip install 'valle-engine[ja]'") from None
    return pykakasi.kakasi()  # type: ignore[no-untyped-call]
