"""Text to phonemes by espeak-ng, in this process, as the released weights have seen them."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import ItemError, ValleError
from valle_engine.text.kana import hiragana

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from phonemizer.backend import EspeakBackend

    from valle_engine.text.languages import Language

# espeak-ng drops punctuation: it is taken out before and put back after. Between digits . and , belong to the number.
_MARK = r"""(?:[;:!?¡¿—…"«»“”(){}\[\]]|(?<![0-9])[.,]|[.,](?![0-9]))"""
_MARKS = re.compile(rf"( ?{_MARK}(?: ?{_MARK})* ?)")
_NO_MARKS = re.compile(r"(?!)")

_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_BETWEEN_HAN = re.compile(rf"(?<={_HAN})(?={_HAN})")

# espeak-ng 1.52 joins the syllables of the Chinese words it knows, before it did not; the weights know them apart.
_BEFORE: Mapping[str, Callable[[str], str]] = {
    "ja": hiragana,
    "zh": lambda text: _BETWEEN_HAN.sub("\u200b", text),
}
# Tones as the format marks them, and the short ü that espeak-ng 1.52 tells apart and the format's vocabulary does not.
_AFTER: Mapping[str, Mapping[int, str]] = {
    "de": str.maketrans({"ʏ": "y"}),
    "zh": str.maketrans(dict(zip("12345", "ˇˉˊˋ_", strict=True))),
}

_FORGET = "the"
"""Spoken before every text. English words inside another language are read by a second translator, which keeps what it
expects next (a noun, a verb) over the end of a text; after this word it always expects the same."""

LONGEST_DATA_PATH = 140
"""Bytes; the library keeps the path in a fixed buffer, and ends the process when it finds nothing there."""

_LOADING = threading.Lock()


class Phonemizer:
    """Text to phonemes. One espeak-ng a language, loaded when first needed and kept; safe to call from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._voices: dict[str, _Voice] = {}

    def phonemes(self, text: str, language: Language) -> str:
        """Phonemes (IPA with stress) of a text; words stand apart by one space, punctuation stays.

        Raises `ItemError` when there is no text, or nothing in it that can be spoken.
        """
        pieces = _MARKS.split(spelled(text, language))
        pieces[::2] = self._voice(language).spoken(pieces[::2])
        phonemes = "".join(pieces).translate(_AFTER.get(language.code, {})).strip()
        if not phonemes:
            raise ItemError(f"espeak-ng finds nothing to say in {text[:80]!r} ({language.code})")
        return phonemes

    def _voice(self, language: Language) -> _Voice:
        with self._lock:
            if language.voice not in self._voices:
                self._voices[language.voice] = _Voice(language.voice)
            return self._voices[language.voice]


def spelled(text: str, language: Language) -> str:
    """A text as espeak-ng is given it. Raises `ItemError` when there is none, or it cannot be read."""
    return _BEFORE.get(language.code, str)(_clean(text))


class _Voice:
    """One espeak-ng with its voice set; one caller at a time, because the library is a set of global variables."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._backend = _load(name)

    def spoken(self, texts: list[str]) -> list[str]:
        """Phonemes of the pieces of one text, whatever was spoken before it."""
        with self._lock:
            self._backend.phonemize([_FORGET])
            return [self._backend.phonemize([text], strip=True)[0] if text else "" for text in texts]


def _load(voice: str) -> EspeakBackend:
    import espeakng_loader  # noqa: PLC0415 - workers only
    from phonemizer.backend import EspeakBackend  # noqa: PLC0415 - workers only
    from phonemizer.backend.espeak.wrapper import EspeakWrapper  # noqa: PLC0415 - workers only

    quiet = logging.getLogger(f"{__name__}.phonemizer")
    quiet.setLevel(logging.ERROR)  # it warns whenever a language joins words, which most do
    data = Path(espeakng_loader.get_data_path()).resolve()
    if len(os.fsencode(data)) > LONGEST_DATA_PATH:
        raise ValleError(
            f"{data} is longer than the {LONGEST_DATA_PATH} bytes espeak-ng can hold; install it elsewhere"
        )
    with _LOADING, tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        # phonemizer never lets go of the library it is given: a copy, so that others find the original untouched.
        EspeakWrapper.set_library(shutil.copy(espeakng_loader.get_library_path(), folder))
        EspeakWrapper.set_data_path(str(data))
        return EspeakBackend(voice, punctuation_marks=_NO_MARKS, with_stress=True, logger=quiet)


def _clean(text: str) -> str:
    """The text on one line, composed (NFC), without control characters: one of them would end a C string.

    Raises `ItemError` when nothing is left, or it is no Unicode.
    """
    if any(unicodedata.category(letter) == "Cs" for letter in text):
        raise ItemError(f"{text[:80]!r} holds half a surrogate pair, which is no text; save it as UTF-8 again")
    printed = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    if not (line := " ".join(unicodedata.normalize("NFC", printed).split())):
        raise ItemError("the text is empty, there is nothing to phonemise")
    return line
