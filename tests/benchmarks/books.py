"""Putting a long book together: megabytes and speed. Few files stand for very many lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.bench import Figure, measured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = 70_000  # a hundred hours of lines of five seconds
HOURS = 10
ASSEMBLE = """
import sys, time
from pathlib import Path
import numpy as np
from valle_engine.audio import encode_clip
from valle_engine.parts import FinishedRun
from valle_engine.records import Clip, Outcome, OutputFile
from valle_plugins.audiobook.product import Audiobook

folder, lines, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
folder.mkdir()
random = np.random.default_rng(1)
files = []
for number in range(20):
    clip = Clip((random.standard_normal(round(seconds * 24000)) * 0.05).astype(np.float32), 24000)
    data = encode_clip(clip, "flac")
    (folder / f"{number}.flac").write_bytes(data)
    files.append(OutputFile(f"{number}.flac", len(data), f"{number:064x}", len(clip.samples), 24000))

class Long(FinishedRun):
    name = "long"
    folder = folder
    def outcomes(self):
        for number in range(lines):
            text = f"This is line {number} of the book, and it has about as many words as a sentence of a novel has."
            fields = {"id": f"long-{number:012x}", "text": text, "written": text, "book": "long", "kind": "text",
                      "chapter": number // 200 + 1, "chapter_title": f"Chapter {number // 200 + 1}",
                      "paragraph": number // 3, "speaker": "narrator", "place": f"EPUB/c{number // 200}.xhtml",
                      "element": f"/html/body/p[{number // 3}]"}
            yield fields, Outcome(fields["id"], "done", "", file=files[number % 20])

pauses = dict.fromkeys(("line", "paragraph", "scene", "heading", "chapter", "start"), 0)
before = time.monotonic()
Audiobook(pauses=pauses, subtitles=["srt"]).make(Long())
figures = {"seconds": time.monotonic() - before}
"""


def assembly(folder: Path) -> Iterator[Figure]:
    line = HOURS * 3600 / LINES
    short = measured(ASSEMBLE, str(folder / "short"), str(LINES // 10), str(line))
    long = measured(ASSEMBLE, str(folder / "long"), str(LINES), str(line))
    value = (
        f"{long['peak_mb']:.0f} MB for {HOURS} h of {LINES:,} lines ({short['peak_mb']:.0f} MB for a tenth of it), "
        f"{HOURS * 3600 / long['seconds']:.0f} x real time"
    )
    yield Figure("memory of putting a book together", "500 MB", value, long["peak_mb"] <= 500)


BENCHMARKS = {"assembly": assembly}
