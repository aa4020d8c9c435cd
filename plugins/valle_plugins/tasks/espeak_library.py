"""The espeak-ng library through ctypes: text in, samples out, the same ones every time."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import tempfile
import threading
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from valle_engine.errors import ItemError
from valle_engine.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# From espeak-ng's speak_lib.h.
SYNCHRONOUS = 2
DO_NOT_EXIT = 0x8000
POSITION_CHARACTER = 1
UTF8 = 1
PHONEME_EVENTS, PHONEMES_IN_IPA = 0x1, 0x2
NO_EVENT, PHONEME_EVENT = 0, 7
RATE, VOLUME, PITCH, RANGE, WORD_GAP = 1, 2, 3, 4, 7
ALL_VARIANTS = b"variant"

LONGEST_DATA_PATH = 140
LONGEST_CODE = 5  # "en-us"; what is longer is a name or a file, and messages do without them

# The library is one set of global variables, so one caller at a time may use it.
_LOCK = threading.Lock()


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("message", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_ON_SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: `rate` in words a minute, `word_gap` in 10 ms at the normal rate, the others on espeak's scales."""

    rate: int
    pitch: int
    pitch_range: int
    volume: int
    word_gap: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the library can speak with: names and language codes to voice files, names to variants. Lower case keys."""

    voices: Mapping[str, str]
    variants: Mapping[str, str]

    def find(self, voice: str) -> str:
        """The library's own name of `voice` or `voice+variant`. Raises `ItemError` that names near ones."""
        base, plus, variant = voice.partition("+")
        found = _look_up("voice", base, self.voices)
        return f"{found}+{_look_up('variant', variant, self.variants)}" if plus else found


def _look_up(kind: str, name: str, known: Mapping[str, str]) -> str:
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    near = nearest(wanted, known)
    codes = ", ".join(sorted(code for code in known if len(code) <= LONGEST_CODE))
    hint = f"did you mean {near!r}?" if near else f"some of those it has: {codes}"
    raise ItemError(f"espeak-ng has no {kind} {name!r}; {hint}")


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """What this machine's library can speak with."""
    with _library() as library:
        files = {}
        for voice in _listed(library, None):
            file = voice.identifier.decode()
            names = [(0, file), (0, voice.name.decode()), *_languages(voice)]
            files.update({(name.lower(), priority, file): file for priority, name in names})
        variants = {}
        for voice in _listed(library, ALL_VARIANTS):
            file = voice.identifier.decode().rpartition("/")[2]
            variants[file.lower()] = file
    # Several voices speak "en"; the one that gives it the lowest priority number comes last and stays.
    return Catalogue({key[0]: files[key] for key in sorted(files, reverse=True)}, dict(sorted(variants.items())))


def _listed(library: Any, languages: bytes | None) -> Iterator[_Voice]:
    wanted = _Voice(languages=ctypes.cast(ctypes.c_char_p(languages), ctypes.c_void_p))
    found = library.espeak_ListVoices(ctypes.byref(wanted) if languages else None)
    for voice in found:
        if not voice:
            return
        yield voice.contents


def _languages(voice: _Voice) -> Iterator[tuple[int, str]]:
    # A byte of priority and a string ended by zero, again and again; a priority of zero ends the list.
    address = voice.languages
    while priority := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        yield priority, code.decode()
        address += len(code) + 2


@dataclass(frozen=True, slots=True)
class Speech:
    """What was spoken: samples (16 bit, one channel, native order), their rate in Hz, and its phonemes.

    `phonemes` are names (IPA) with the sample each begins at; a pause has no name.
    """

    samples: bytes
    rate: int
    phonemes: tuple[tuple[str, int], ...]


def speak(text: str, voice: str, manner: Manner, max_samples: int, progress: Callable[[], None]) -> tuple[bytes, int]:
    """Speak a text; returns samples (16 bit, one channel, native order) and their rate in Hz.

    The text is data: markup is read out, control characters are spaces. `progress` is called as samples come. Raises
    `ItemError` for an unknown voice, and for speech longer than `max_samples`.
    """
    found = catalogue().find(voice)
    chunks = _Chunks(max_samples, progress)
    with _library() as library:
        if library.espeak_SetVoiceByName(found.encode()):
            raise ItemError(
                f"espeak-ng cannot load its voice {found!r}: its data is damaged, install espeakng-loader again"
            )
        rate = _say(library, text, manner, chunks)
    chunks.check(rate)
    return bytes(chunks.samples), rate


def speak_as(text: str, voice: str, changes: str, manner: Manner, max_samples: int) -> Speech:
    """Speak a text with a voice of the library under `changes`, lines of its format for voice files.

    Raises as `speak` does, and `ItemError` for a voice file that the library refuses.
    """
    chunks = _Chunks(max_samples, _nothing)
    definition = f"{_definition(catalogue().find(voice))}\n{changes}\n"
    with _library(PHONEME_EVENTS | PHONEMES_IN_IPA) as library, _in_memory(definition.encode()) as path:
        if library.espeak_SetVoiceByFile(path.encode()):
            raise ItemError(f"espeak-ng cannot load the voice {voice!r} with the changes {changes!r}")
        rate = _say(library, text, manner, chunks)
    chunks.check(rate)
    return Speech(bytes(chunks.samples), rate, tuple(chunks.phonemes))


@lru_cache(maxsize=64)
def _definition(voice: str) -> str:
    import espeakng_loader  # noqa: PLC0415 - finding the library is for workers only

    path = os.path.join(espeakng_loader.get_data_path(), "lang", voice)  # noqa: PTH118 - the loader gives strings
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - same
        return file.read()


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A file that has a name and no place on a disk. The name is short and lower case, as the library wants it."""
    descriptor = os.memfd_create("espeak-voice")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _nothing() -> None:
    pass


class _Chunks:
    """Collects what the library's callback gives."""

    def __init__(self, max_samples: int, progress: Callable[[], None]) -> None:
        self.samples = bytearray()
        self.phonemes: list[tuple[str, int]] = []
        self._max_samples = max_samples
        self._progress = progress

    def receive(self, address: int | None, count: int, events: Any) -> int:
        """Take `count` samples of 16 bit, and events up to one of type 0; a result of 1 tells the library to stop."""
        if address and count > 0:
            self.samples += ctypes.string_at(address, 2 * count)
            self._progress()
        for event in takewhile(_is_event, events):
            if event.type == PHONEME_EVENT:
                self.phonemes.append((event.name.decode("utf-8", "ignore"), event.sample))
        return int(self._full())

    def check(self, rate: int) -> None:
        """Raises `ItemError` when there was more than the limit."""
        if self._full():
            limit = self._max_samples / rate
            raise ItemError(f"the speech is longer than {limit:g} s: cut the text or raise max_seconds")

    def _full(self) -> bool:
        return len(self.samples) > 2 * self._max_samples


def _is_event(event: _Event) -> bool:
    return bool(event.type != NO_EVENT)


def _plain(text: str) -> str:
    # Control characters are commands to the library (0x01 begins one), and a zero would end the text.
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)


def _say(library: Any, text: str, manner: Manner, chunks: _Chunks) -> int:
    values = {
        RATE: manner.rate,
        VOLUME: manner.volume,
        PITCH: manner.pitch,
        RANGE: manner.pitch_range,
        WORD_GAP: manner.word_gap,
    }
    for parameter, value in values.items():
        library.espeak_SetParameter(parameter, value, 0)
    callback = _ON_SAMPLES(chunks.receive)
    library.espeak_SetSynthCallback(callback)
    data = _plain(text).encode("utf-8", "replace") + b"\0"
    library.espeak_Synth(data, len(data), 0, POSITION_CHARACTER, 0, UTF8, None, None)
    return int(library.espeak_ng_GetSampleRate())


@contextmanager
def _library(options: int = 0) -> Iterator[Any]:
    """The library in its very first state.

    Loaded afresh for every utterance (4 ms): variables inside its functions, such as the one that makes the pitch
    flutter, outlive `espeak_Terminate`, and what was spoken before would change the samples.
    """
    import espeakng_loader  # noqa: PLC0415 - finding the library is for workers only

    path = espeakng_loader.get_library_path()
    with _LOCK:
        if _held_by_others(path):
            raise ItemError(f"{path} is in use by other code of this process, so speech would not be reproducible")
        library = ctypes.CDLL(path)
        try:
            with _short(espeakng_loader.get_data_path()) as data_path:
                _initialise(library, data_path, options)
                yield library
        finally:
            library.espeak_Terminate()
            _unload(library)


@contextmanager
def _short(path: str) -> Iterator[str]:
    """The same folder under a name short enough for the library's fixed buffer."""
    if len(os.fsencode(path)) <= LONGEST_DATA_PATH:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        link = os.path.join(folder, "espeak-ng-data")  # noqa: PTH118 - the library wants a string
        os.symlink(path, link)  # noqa: PTH211 - same
        yield link


def _unload(library: ctypes.CDLL) -> None:
    _ctypes.dlclose(library._handle)  # noqa: SLF001 - ctypes has no public way to unload a library


def _held_by_others(path: str) -> bool:
    try:
        _unload(ctypes.CDLL(path, mode=os.RTLD_NOLOAD))
    except OSError:
        return False
    return True


def _initialise(library: Any, data_path: str, options: int) -> None:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_ng_SetRandSeed.argtypes = (ctypes.c_long,)
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    if library.espeak_Initialize(SYNCHRONOUS, 0, os.fsencode(data_path), DO_NOT_EXIT | options) <= 0:
        raise ItemError(f"espeak-ng finds no data in {data_path}: install espeakng-loader again")
    library.espeak_ng_SetRandSeed(1)
