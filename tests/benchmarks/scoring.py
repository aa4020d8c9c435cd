"""Scoring and the numbers made of scores: items a second of processor time, seconds of it, megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.bench import Figure, measured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCORE = """
import sys, time
from pathlib import Path
import numpy as np
from valle_engine.parts import Take
from valle_engine.plugins import load_plugins
from valle_engine.records import Outcome
from valle_engine.scoring.panel import Panel, PanelSpec
count, folder = 10_000, Path(sys.argv[1])
random = np.random.default_rng(0)
ids = np.array([f"item-{number:05d}" for number in range(count)])
np.savez(folder / "outputs.npz", ids=ids, vectors=random.normal(size=(count, 192)))
np.savez(folder / "voices.npz", ids=np.array(["voice"]), vectors=random.normal(size=(1, 192)))
words = "the quick brown fox jumps over a lazy dog and runs away from it all day".split()
lines = [" ".join(random.choice(words, 12)) for _ in range(count)]
with (folder / "said.tsv").open("w") as file:
    file.writelines(f"{item}\\t{line[:-4]}\\n" for item, line in zip(ids, lines))
given = {"embeddings": str(folder / "outputs.npz"), "references": str(folder / "voices.npz")}
spec = PanelSpec(
    (("wer", {}), ("speaker-similarity", given)),
    (("given", {"file": str(folder / "said.tsv")}),),
    ("basic", {}),
    batch=64,
)
panel = Panel(spec, load_plugins())
takes = [
    Take({"text": line, "voice": "voice"}, Outcome(item, "done", ""), None) for item, line in zip(ids.tolist(), lines)
]
before = time.process_time()
sheets = [sheet for start in range(0, count, 64) for sheet in panel.score(takes[start : start + 64])]
figures = {"seconds": time.process_time() - before, "count": sum(len(sheet.scores) > 1 for sheet in sheets)}
"""

AGGREGATE = """
import sys, time
from pathlib import Path
import numpy as np
from valle_engine.job.scoring import Scoring
from valle_engine.plugins import load_plugins
from valle_engine.records import Outcome
from valle_engine.scoring.results import Facts, Options, write_results
from valle_engine.store.database import create
from valle_engine.store.ledger import Ledger
from valle_engine.store.rows import LedgerRow
count, folder = 100_000, Path(sys.argv[1])
plugins = load_plugins()
random = np.random.default_rng(0)
text = "a line that has about as many words as a sentence of a novel has"
def row(number):
    errors = int(random.binomial(14, 0.05))
    scores = {"wer": errors / 14, "wer.errors": errors, "wer.words": 14, "silence": float(random.random()),
              "speaker-similarity": float(random.normal(0.6, 0.1))}
    outcome = Outcome(f"item-{number:06d}", "done", "f" * 64, scores=scores, transcripts={"given": text}, scored_by="d")
    return LedgerRow(outcome, {"text": text, "language": "en", "speaker": f"p{number % 100}"}, number)
create(folder / "ledger.db", str(folder))
with Ledger(folder / "ledger.db") as ledger:
    ledger.begin_run("r", {}, count, count)
    for start in range(0, count, 10_000):
        ledger.record([row(number) for number in range(start, start + 10_000)])
    ledger.end_run()
    scorers = tuple(plugins.scorers.build(name) for name in ("wer", "silence", "speaker-similarity"))
    given = plugins.transcribers.build("given", {"column": "text"})
    scoring = Scoring(scorers, (given,), plugins.normalisers.build("basic"))
    before = time.process_time()
    facts = Facts("many", count, [], {}, "d")
    write_results(folder / "out", ledger.outcomes(), scoring, facts, Options(("speaker",), 1000, 0))
    figures = {"seconds": time.process_time() - before}
"""


def given(folder: Path) -> Iterator[Figure]:
    got = measured(SCORE, str(folder))
    assert got["count"] == 10_000
    value = f"{got['seconds']:.2f} s, {10_000 / got['seconds']:.0f} a second"
    yield Figure(
        "wer and similarity of 10 k items over given transcripts and vectors", "5 s", value, got["seconds"] <= 5
    )


def aggregate(folder: Path) -> Iterator[Figure]:
    got = measured(AGGREGATE, str(folder))
    value = f"{got['seconds']:.1f} s, {got['peak_mb']:.0f} MB"
    yield Figure(
        "results of 100 k items from the ledger, three scores with intervals, by 100 speakers",
        "5 s, 500 MB",
        value,
        got["seconds"] <= 5 and got["peak_mb"] <= 500,
    )


BENCHMARKS = {"scoring-given": given, "scoring-results": aggregate}
