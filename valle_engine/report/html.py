"""One HTML page about one or several runs, which needs nothing but itself and the sound it plays."""

from __future__ import annotations

import base64
import hashlib
import html
import time
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import valle_engine
from valle_engine.report.sounds import Sounds
from valle_engine.store.atomic import replacing
from valle_engine.store.rows import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from valle_engine.report.runs import ShownRun

SCRIPTS = ("base", "words", "plots", "columns", "sound", "table", "controls", "main")
"""The page's script, in the order it is read."""
NAMED_MISSING = 5


def write_page(
    runs: Sequence[ShownRun],
    path: Path,
    *,
    comparisons: Sequence[Mapping[str, Any]] = (),
    title: str = "",
    embed: bool = False,
) -> int:
    """Write the page and return its size in bytes. Sound is named relative to it, or with `embed` put into it.

    `comparisons` are paired differences of two runs by their places. Raises `StoreError` when it cannot be written.
    """
    sounds = Sounds(path, embed=embed)
    told = title or ", ".join(dict.fromkeys(run.name for run in runs))
    page = _page(told, report_of(runs, sounds, comparisons)).encode()
    with replacing(path.absolute()) as file:
        file.write(page)
    return len(page)


def report_of(
    runs: Sequence[ShownRun], sounds: Sounds, comparisons: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Everything that the page shows, as plain values."""
    names = _distinct([run.name for run in runs])
    better = {name: score["better"] for run in runs for name, score in run.about["scores"].items()}
    given = {name for run in runs for cell in run.cells.values() for name in cell["scores"]}
    items = _items(runs, sounds)
    notes = [note for run in runs for note in run.notes]
    return {
        "made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "engine": valle_engine.__version__,
        "runs": [{"name": name, **run.about} for name, run in zip(names, runs, strict=True)],
        "figures": list(better),
        "details": sorted(given - better.keys()),
        "better": better,
        "groups": list(dict.fromkeys(name for item in items for name in item["groups"])),
        "comparisons": list(comparisons),
        "items": items,
        "sounds": sounds.addresses,
        "notes": [*notes, *_missing(sounds)],
    }


def _items(runs: Sequence[ShownRun], sounds: Sounds) -> list[dict[str, Any]]:
    """The items of all runs, in the order of the first that has them; sounds by their place among the addresses."""
    known = {item_id: item for run in reversed(runs) for item_id, item in run.items.items()}
    order = dict.fromkeys(item_id for run in runs for item_id in run.items)
    return [_joined(known[item_id], [run.cells.get(item_id) for run in runs], sounds) for item_id in order]


def _joined(item: Mapping[str, Any], cells: Sequence[Mapping[str, Any] | None], sounds: Sounds) -> dict[str, Any]:
    placed = {called: sounds.place(path) for called, path in item["sounds"].items()}
    outputs = [sounds.place(cell["output"]) if cell and cell["output"] else None for cell in cells]
    return {
        **item,
        "sounds": {called: place for called, place in placed.items() if place is not None},
        "runs": [cell and {**cell, "output": output} for cell, output in zip(cells, outputs, strict=True)],
    }


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind each that was there before."""
    return [
        f"{name} ({names[:place].count(name) + 1})" if name in names[:place] else name
        for place, name in enumerate(names)
    ]


def _missing(sounds: Sounds) -> list[str]:
    if not sounds.missing:
        return []
    named = ", ".join(sounds.missing[:NAMED_MISSING])
    more = len(sounds.missing) - NAMED_MISSING
    return [f"{len(sounds.missing)} sound files are missing: {named}{f' and {more} more' if more > 0 else ''}."]


def _page(title: str, report: Mapping[str, Any]) -> str:
    style = _asset("page.css")
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    policy = "; ".join([
        "default-src 'none'",
        f"script-src {_digest(script)}",
        f"style-src {_digest(style)}",
        "media-src 'self' file: data:",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ])  # fmt: skip
    return Template(_asset("page.html")).substitute(
        title=html.escape(title), policy=policy, style=style, script=script, data=_json(report)
    )


def _json(value: Any) -> str:
    """JSON that no HTML parser takes for markup, whatever strangers wrote in it."""
    text = to_json(value) or "null"
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return files("valle_engine.report").joinpath("page", name).read_text(encoding="utf-8")
