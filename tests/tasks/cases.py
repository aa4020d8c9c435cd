"""Every task that needs a model, with options that keep it short, and items that differ in all they can."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = [
    "the",
    "old",
    "house",
    "by",
    "the",
    "river",
    "had",
    "been",
    "empty",
    "for",
    "years",
    "when",
    "they",
    "came",
    "home",
]
SAMPLING = (("temperature", {"temperature": 0.9}), ("top-p", {"p": 0.95}))
SHORT = {"max_seconds": 0.2, "prompt_seconds": 0.2}


@dataclass(frozen=True)
class Case:
    """A task and how it is run.

    `takes` names the fields of its items, beyond the id and the language; `kinds` is how many results differ at least.
    """

    task: str
    takes: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    model: str = "tiny"
    sampled: bool = True
    kinds: int = 3

    def items(self, folder: Path, count: int) -> list[dict[str, Any]]:
        """Items with texts, recordings and languages of their own."""
        return [self._item(folder, number) for number in range(count)]

    def _item(self, folder: Path, number: int) -> dict[str, Any]:
        start, length = number % len(WORDS), 1 + number * 5 % 7
        text = " ".join((WORDS * 2)[start : start + length])
        everything = {
            "text": f"{text}. {text[::-1]}?" if number % 3 == 0 else text,
            "phonemes": "həlˈoʊ wˈɜːld"[: 3 + number % 10],
            "audio": str(folder / f"{number % 4}.wav"),
            "voice": str(folder / f"{number % 8}.wav"),
            "start": 0.03,
            "end": 0.1 + 0.01 * (number % 4),
        }
        item = {name: everything[name] for name in self.takes}
        return {"id": f"item-{number:02}", "language": ("en", "de", "fr")[number % 3], **item}


CASES = {
    "tts": Case("tts", ("text", "voice"), SHORT),
    "tts by nar-len": Case("tts", ("text", "voice"), {**SHORT, "decoding": "nar-len", "steps": 4, "temperature": 1.0}),
    "tts in beams": Case("tts", ("text", "voice"), {**SHORT, "max_seconds": 0.1, "beams": 3}, sampled=False),
    "tts guided": Case("tts", ("text", "voice"), {**SHORT, "guidance": 2, "sample_levels": True}),
    "voiceless tts": Case("tts", ("text",), SHORT),
    "stt": Case("stt", ("audio",), {"max_ids": 12}),
    "stt spelled": Case("stt", ("audio",), {"max_ids": 6, "spell": True}, "tiny-v6"),
    "denoise": Case("denoise", ("audio",), {"steps": 4, "temperature": 1.0}),
    "speech-removal": Case("speech-removal", ("audio", "text"), {"decoding": "ar"}),
    "voice-conversion": Case("voice-conversion", ("audio", "voice"), {"steps": 8, "prompt_seconds": 0.2}),
    # Random weights spell one number for everything.
    "duration": Case("duration", ("text", "voice"), {"prompt_seconds": 0.2}, sampled=False, kinds=1),
    "continue": Case("continue", ("text", "audio"), {"max_seconds": 0.2, "keep": True}),
    "extract-speaker": Case("extract-speaker", ("audio", "voice"), {"prompt_seconds": 0.2}),
    "edit-speech": Case("edit-speech", ("text", "audio", "start", "end"), {"max_seconds": 0.2}),
    "edit-speech in noise": Case(
        "edit-speech", ("text", "audio", "start", "end"), {"max_seconds": 0.2, "keep_noise": True}
    ),
    "phonemize": Case("phonemize", ("text",), {"max_ids": 10}, sampled=False),
    "unphonemize": Case("unphonemize", ("phonemes",), {"max_ids": 8}, "tiny-v6"),
}
