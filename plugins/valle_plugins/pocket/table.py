"""The evaluation's results as the table of docs/pocket.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from valle_engine.errors import ValleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BEGINS, ENDS = "<!-- measured -->\n", "<!-- end of what was measured -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: of which measurement and score, what it is called, how it is shown, and what it should be."""

    what: str
    measurement: str
    score: str
    unit: Literal["%", "dB", ""] = "%"
    goal: str = ""
    summed: bool = False
    """Whether errors and units are summed over the whole set, instead of a mean of items."""


LINES = (
    Line("PER of the synthesiser's own rendering, the floor", "reference", "per", summed=True),
    Line("PER of copy-synthesis through the codec", "copy", "per", summed=True),
    Line("PER of `tts`, frame after frame", "tts", "per", goal="≤ 8 above the floor", summed=True),
    Line("PER of `tts`, `nar-len`", "tts-nar-len", "per", goal="≤ 12 above the floor", summed=True),
    Line("voice identified among 20, copy-synthesis", "copy", "identification"),
    Line("voice identified among 20, `tts`", "tts", "identification", goal="≥ 95"),
    Line("voice identified among 20, `nar-len`", "tts-nar-len", "identification", goal="≥ 95"),
    Line("speaker similarity, copy-synthesis", "copy", "speaker-similarity", ""),
    Line("speaker similarity, `tts`", "tts", "speaker-similarity", ""),
    Line("mel distortion, copy-synthesis", "copy", "mel-distortion", "dB"),
    Line("mel distortion, `tts`", "tts", "mel-distortion", "dB"),
    Line("error of `duration`", "duration", "duration-error", goal="≤ 10"),
    Line("error of the length of `tts`", "tts", "duration-error"),
    Line("PER of `stt`", "stt", "per", goal="≤ 10", summed=True),
    Line("gain of `denoise`", "denoise", "speech-gain", "dB", goal="≥ 6"),
    Line("PER of what `denoise` gives", "denoise", "per", summed=True),
    Line("speech suppressed by `speech-removal`", "speech-removal", "speech-suppression", "dB"),
    Line(
        "`voice-conversion` closer to the target than to the source", "voice-conversion", "identification", goal="≥ 90"
    ),
    Line("PER of `voice-conversion`", "voice-conversion", "per", summed=True),
    Line("real-time factor of `tts`, one item at a time on one core", "speed", "real-time-factor", "", goal="< 1"),
    Line("real-time factor of `nar-len`, the same", "speed-nar-len", "real-time-factor", "", goal="< 1"),
)


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table in Markdown, a row a figure with its 95 % interval. Raises `ValleError` for a score that is missing."""
    head = ["| measured | figure | 95 % interval | items | goal |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(line, results) for line in LINES)]) + "\n"


def write_table(page: Path, text: str) -> None:
    """Put the table into a page, between its marks. Raises `ValleError` for a page without them."""
    before, begins, rest = page.read_text(encoding="utf-8").partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not (begins and ends):
        raise ValleError(f"{page}: has no place for the table, between {BEGINS.strip()} and {ENDS.strip()}")
    page.write_text(f"{before}{BEGINS}\n{text}\n{ENDS}{after}", encoding="utf-8")


def _row(line: Line, results: Mapping[str, Mapping[str, Any]]) -> str:
    scores = results[line.measurement]["scores"]
    if line.score not in scores:
        raise ValleError(f"{line.measurement}: its results have no score {line.score!r}")
    score = scores[line.score]
    figure = score["corpus"] if line.summed else score["counted"] or score["mean"]
    count = f"{score['scored']} of {score['expected']}"
    if figure is None:
        return f"| {line.what} | - | - | {count} | {line.goal} |"
    value, low, high = (_shown(figure[key], line.unit) for key in ("value", "low", "high"))
    unit = f" {line.unit}" if line.unit else ""
    return f"| {line.what} | {value}{unit} | {low} to {high} | {count} | {line.goal} |"


def _shown(figure: float, unit: str) -> str:
    return f"{100 * figure:.1f}" if unit == "%" else f"{figure:.2f}"
