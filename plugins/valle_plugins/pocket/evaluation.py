"""Pocket measured: sentences and voices that nothing was trained on, spoken, heard, cleaned and converted.

Every measurement is a job of the engine; what they have in common is made once, by the synthetic corpus.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from valle_engine.errors import ValleError
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

SEED = 20_000
"""Of the corpus: other speakers and texts than those of any training, and of the split that is kept out besides."""
CANDIDATES = 20
"""Voices that an output is compared with, its own among them."""
RATIOS = (0.0, 5.0, 10.0)
"""Speech over noise in dB, in turn."""
DECODED_AT_ONCE = 8
FLOOR = "reference"
HEARD = {"transcribers": ["recogniser"], "normaliser": "none"}
SPOKEN = ("per", "speaker-similarity", "identification", "mel-distortion", "duration-error", "repetition")
NAR = {"name": "tts", "decoding": "nar-len"}
Score: TypeAlias = "str | dict[str, str]"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured, of which model."""

    speakers: int = 100
    languages: tuple[str, ...] = ("en",)
    model: str = "pocket"
    executor: str = "inline"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One job: its task, what its items are made from, and what is scored. `limit` items at most, `slots` at a time."""

    name: str
    task: str | dict[str, Any]
    items: Callable[[Sequence[Speaker]], Iterator[dict[str, Any]]]
    scores: tuple[Score, ...]
    scoring: Mapping[str, Any] = field(default_factory=lambda: HEARD)
    with_codec: bool = False
    limit: int | None = None
    slots: int = DECODED_AT_ONCE


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of the test split: what it says in `reference`, a `prompt` of it saying something else, and a mixture."""

    place: int
    id: str
    language: str
    text: str
    reference: str
    prompt: str
    mixture: str
    snr: float


def evaluate(folder: Path, scale: Scale, said: Callable[[str], None] = print) -> dict[str, Any]:
    """Do every measurement that is not done yet; returns the results of each by its name.

    Raises `ValleError` for a job that does not end well.
    """
    if scale.speakers < CANDIDATES:
        raise ValleError(f"{scale.speakers} speakers: to identify one among {CANDIDATES} takes as many at least")
    folder = folder.absolute()
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    _run(folder, FLOOR, reference_job(scale), said)
    speakers = list(cast(folder, scale))
    _mix(folder, speakers)
    for measurement in MEASUREMENTS:
        _run(folder, measurement.name, job_of(measurement, speakers, scale), said)
    return {name: read_results(folder, name) for name in (FLOOR, *(each.name for each in MEASUREMENTS))}


def reference_job(scale: Scale) -> dict[str, Any]:
    """The synthesiser's own rendering: what all else is compared with, and the floor of what is heard."""
    items = {
        "kind": "synthetic",
        "utterances": 2 * scale.speakers,
        "group": 2,
        "split": "test",
        "seed": SEED,
        "words": [4, 12],
        "languages": list(scale.languages),
    }
    return {"name": FLOOR, "task": "synthesise", "items": items, "scores": ["per"], "scoring": HEARD}


def cast(folder: Path, scale: Scale) -> Iterator[Speaker]:
    """The speakers with the files that `reference_job` makes of them."""
    from valle_plugins.synthetic.corpus import Corpus  # noqa: PLC0415 - another plugin's, light but not needed for help

    corpus = Corpus(SEED, scale.languages, (4, 12), "test", group=2)
    spoken = list(corpus.utterances(2 * scale.speakers))
    sounds = folder / "jobs" / "out" / FLOOR / "audio"
    for place, (prompt, own) in enumerate(zip(spoken[::2], spoken[1::2], strict=True)):
        yield Speaker(
            place=place,
            id=own.id,
            language=own.language,
            text=own.text,
            reference=str(sounds / f"{own.id}.flac"),
            prompt=str(sounds / f"{prompt.id}.flac"),
            mixture=str(folder / "mixtures" / f"{own.id}.flac"),
            snr=RATIOS[place % len(RATIOS)],
        )


def job_of(measurement: Measurement, speakers: Sequence[Speaker], scale: Scale) -> dict[str, Any]:
    """The job of a measurement, with its items."""
    sounds = {"codec": "pocket"} if measurement.with_codec else {"model": scale.model}
    return {
        "name": measurement.name,
        "task": measurement.task,
        **sounds,
        "seed": SEED,
        "items": list(measurement.items(speakers))[: measurement.limit],
        "scores": [_with_options(score) for score in measurement.scores],
        "scoring": dict(measurement.scoring),
        "workers": {"executor": scale.executor, "slots": measurement.slots},
    }


def read_results(folder: Path, name: str) -> dict[str, Any]:
    """The results of one measurement. Raises `ValleError` where there are none."""
    path = folder / "jobs" / "out" / name / "results.json"
    if not path.is_file():
        raise ValleError(f"{path}: no results: measure with `python -m valle_plugins.pocket evaluate`")
    results: dict[str, Any] = orjson.loads(path.read_bytes())
    return results


def _run(folder: Path, name: str, job: Mapping[str, Any], said: Callable[[str], None]) -> None:
    path = folder / "jobs" / f"{name}.yaml"
    path.write_text(json.dumps(job, indent=1, ensure_ascii=False), encoding="utf-8")
    said(f"{name} ...")
    command = [sys.executable, "-m", "valle_engine", "run", str(path)]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - this interpreter, the engine
    # 2: some items failed, which the results count.
    if code not in {0, 2}:
        raise ValleError(f"{name}: `valle run {path}` ended with {code}")


def _mix(folder: Path, speakers: Sequence[Speaker]) -> None:
    """Put noise behind each speaker's sentence, the same at every call."""
    from pathlib import Path  # noqa: PLC0415 - at run time here alone

    from valle_engine.audio import encode_clip, read_clip  # noqa: PLC0415 - soundfile
    from valle_engine.store.atomic import replacing  # noqa: PLC0415 - beside it
    from valle_plugins.synthetic.noises import mix, noise  # noqa: PLC0415 - numpy

    (folder / "mixtures").mkdir(exist_ok=True)
    for speaker in speakers:
        path = Path(speaker.mixture)
        if not path.exists():
            speech = read_clip(Path(speaker.reference))
            mixed = mix(speech, noise(SEED, speaker.place, len(speech.samples)), speaker.snr)
            with replacing(path) as file:
                file.write(encode_clip(mixed, "flac"))


def _with_options(score: Score) -> Score:
    """A scorer as a job names it; the speaker encoder is pocket's."""
    if score != "speaker-similarity":
        return score
    return {"name": score, "weights": str(files.home() / files.SPEAKER)}


def _speaking(speakers: Sequence[Speaker]) -> Iterator[dict[str, Any]]:
    for each in speakers:
        others = [_at(speakers, each.place + ahead).prompt for ahead in range(1, CANDIDATES)]
        yield {**_named(each), "text": each.text, "voice": each.prompt, "reference": each.reference, "others": others}


def _copying(speakers: Sequence[Speaker]) -> Iterator[dict[str, Any]]:
    return ({**row, "audio": row["reference"]} for row in _speaking(speakers))


def _hearing(speakers: Sequence[Speaker]) -> Iterator[dict[str, Any]]:
    return ({**_named(each), "audio": each.reference, "words": each.text} for each in speakers)


def _cleaning(speakers: Sequence[Speaker]) -> Iterator[dict[str, Any]]:
    for each in speakers:
        sounds = {"audio": each.mixture, "mixture": each.mixture, "speech": each.reference}
        yield {**_named(each), **sounds, "words": each.text}


def _converting(speakers: Sequence[Speaker]) -> Iterator[dict[str, Any]]:
    """Each sentence in the voice of a speaker half of the cast away, whose language may be another."""
    for each in speakers:
        target = _at(speakers, each.place + len(speakers) // 2)
        sounds = {"audio": each.reference, "voice": target.prompt, "others": [each.reference]}
        yield {**_named(each), **sounds, "text": each.text}


def _named(speaker: Speaker) -> dict[str, Any]:
    return {"id": speaker.id, "language": speaker.language}


def _at(speakers: Sequence[Speaker], place: int) -> Speaker:
    return speakers[place % len(speakers)]


_WORDS: Score = {"name": "per", "reference": "words"}
_OWN_WORDS = {"transcribers": [{"name": "given", "value": "phonemes", "form": "phonemes"}], "normaliser": "none"}
MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("copy", "resynthesise", _copying, SPOKEN, with_codec=True),
    Measurement("tts", "tts", _speaking, SPOKEN),
    Measurement("tts-nar-len", NAR, _speaking, SPOKEN),
    Measurement("speed", "tts", _speaking, ("real-time-factor",), limit=20, slots=1),
    Measurement("speed-nar-len", NAR, _speaking, ("real-time-factor",), limit=20, slots=1),
    Measurement("duration", "duration", _speaking, ("duration-error",)),
    Measurement("stt", "stt", _hearing, (_WORDS,), _OWN_WORDS),
    Measurement("denoise", "denoise", _cleaning, ("speech-gain", _WORDS)),
    Measurement("speech-removal", "speech-removal", _cleaning, ("speech-suppression",)),
    Measurement("voice-conversion", "voice-conversion", _converting, ("identification", "per")),
)
"""All that is measured, in the order of the table."""
