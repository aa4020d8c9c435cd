"""Write docs/samplers.md from the samplers' own words and the advice below: `python -m tests.docs.samplers`."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from tests.docs.generate import load_built_in
from tests.docs.pages import REPOSITORY

if TYPE_CHECKING:
    from valle_engine.parts import Sampler

PAGE = REPOSITORY / "docs" / "samplers.md"
OPENING = """\
# Samplers

Made by `python -m tests.docs.samplers` from the samplers themselves.

A model gives a score (a logit l_i) to each of 1025 codes; the samplers of a job reshape the scores, in the order in
which the job lists them; then the engine draws, with the random stream that belongs to the seed, the item and the
attempt.

```yaml
name: with-samplers
task: tts
model: ecker/vall-e
sampling:                      # in this order
  repetition-penalty: {penalty: 1.2, decay: 0.5, window: 75}
  temperature: 0.95
  top-p: 0.95
items:
  - {id: one, text: "Once upon a time."}
```

- Without `sampling`, speech is drawn from the model as it is, and text (`stt`, `phonemize` …) takes the best token.
- Penalties go first, because they go by the sign of a score; then temperature; then what cuts (top-k, top-p, min-p
  …).
- The samplers shape the first codebook, on which words and voice hang. The finer ones take the best code, unless the
  task says `sample_levels: true`.
- Those marked **in turn** go by what was drawn before. `decoding: nar-len` draws all frames at once: a job that
  combines them is refused when it is checked.
- Those marked **decides** settle the choice by a rule of their own: a chain holds one of them at most, and none
  beside `beams`.
- **Beam search** and **classifier-free guidance** are ways of decoding and not samplers: `beams`, `guidance` and
  `rescale` are options of every task that speaks ([tasks](tasks.md)).

A note on numbers: start with `temperature: 0.95` and `top-p: 0.95`, and change one thing at a time. Speech that
stumbles or repeats wants a repetition penalty or `dry`; speech that is flat wants a higher temperature; words that
are not in the text want lower ones. The advice below is where to begin: it comes from the papers named and from
models of this kind, and has not been measured on every set of weights.
"""
ADVICE = {
    "ban": "For codes that a voice or a codec cannot use. Without the stop code every item is as long as it may be.",
    "dry": "Against loops of several frames. Begin at the default; 4 and more hurts long vowels, which are repeats.",
    "dynamic-temperature": "Where one temperature is too cold for pauses and too hot for vowels.",
    "entropix": "To try, not to trust: its thresholds were found on text. It replaces temperature and cuts.",
    "greedy": "For measuring and for tests. Speech by it often falls silent or repeats itself.",
    "length-penalty": "Above 0 when items ramble on, below 0 when they end early.",
    "min-p": "A cut that follows how sure the model is; 0.05 to 0.1 with a temperature above 1.",
    "mirostat": "For even liveliness over long items; use it alone, after penalties.",
    "repetition-penalty": "1.1 to 1.3 with a window of a second (75). Silence is a repeat too: more makes it restless.",
    "temperature": "0.8 to 1.0. Lower is clearer and flatter, higher is livelier and riskier.",
    "top-k": "50 and more; 1 is `greedy`. Coarser than top-p, which follows how sure the model is.",
    "top-n-sigma": "A cut that temperature does not move: put it before a high one.",
    "top-p": "0.9 to 0.98. The cut to begin with.",
    "typical": "In place of top-p when speech is dull: it drops what is too likely as well.",
}


def page() -> str:
    """The whole page."""
    samplers = {name: offer.part for name, offer in sorted(load_built_in().samplers.offers.items())}
    rows = [f"| [`{name}`](#{name}) | {_marks(part)} | {ADVICE[name]} |" for name, part in samplers.items()]
    table = ["## When to use which", "", "| sampler | | advice |", "|---|---|---|", *rows, ""]
    return "\n".join([OPENING, *table, *(_section(name, part) for name, part in samplers.items())])


def _marks(part: type[Sampler]) -> str:
    return ", ".join(word for word, is_so in (("in turn", part.sequential), ("decides", part.decides)) if is_so)


def _section(name: str, part: type[Sampler]) -> str:
    words = inspect.cleandoc(sys.modules[part.__module__].__doc__ or "")
    options = [
        f"- `{key}` (default {'none' if field.is_required() else field.default}): {field.description}"
        for key, field in part.model_fields.items()
    ]
    return "\n".join([f"### {name}", "", "```text", words, "```", "", *options, *([""] if options else [])])


if __name__ == "__main__":
    PAGE.write_text(page())
