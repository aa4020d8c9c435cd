"""Beam search: the likeliest output among the best few at every step (Graves, arXiv:1211.3711, section 2.4).

A hypothesis is worth the mean log-probability of its ids, its stop id included, as the samplers shape them; they are
asked for each hypothesis by itself, with its own history and states.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from valle_engine.errors import ItemError
from valle_engine.model.autoregressive import Steps, led, stop_id
from valle_engine.model.process import see
from valle_engine.model.sampling import new_states, shape_row

if TYPE_CHECKING:
    from torch import Tensor

    from valle_engine.model.autoregressive import Autoregressive
    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.process import Process
    from valle_engine.model.sequences import Inputs


@dataclass(slots=True, eq=False)
class Hypothesis:
    """An output that may still grow: its ids (n,), their summed log-probability, and what its next step needs."""

    tokens: Tensor
    score: float
    drawn: int
    steps: Steps
    states: list[Any]

    def worth(self) -> float:
        """Mean log-probability of what was chosen."""
        return self.score / max(self.drawn, 1)


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on: a hypothesis with one more id."""

    parent: Hypothesis
    token: int
    score: float


def search(model: LanguageModel, inputs: Inputs, options: Autoregressive) -> Process[Tensor]:
    """Ids (n,) int64 that follow the output `inputs` holds so far, with `options.lead` and without the stop id."""
    stop = stop_id(model, inputs)
    lead = torch.tensor(options.lead, dtype=torch.int64, device=model.device)
    steps = Steps(model, led(inputs, options.lead, model.device), options)
    growing = [Hypothesis(lead, 0.0, 0, steps, new_states(options.samplers))]
    ended: list[Hypothesis] = []
    passes = steps.begin()
    while True:
        seen = yield from see(passes)
        choices = _best_choices(growing, _rows(growing, seen, options), options.beams)
        grown = _grow(choices)
        ended += [each for each in grown if int(each.tokens[-1]) == stop]
        growing = [each for each in grown if int(each.tokens[-1]) != stop]
        if not growing or len(ended) >= options.beams or growing[0].drawn == options.max_tokens:
            break
        passes = [one for each in growing for one in each.steps.extend(int(each.tokens[-1]))]
    winner = max(ended or growing, key=Hypothesis.worth)
    return winner.tokens[:-1] if winner in ended else winner.tokens


def _rows(growing: list[Hypothesis], seen: list[Tensor], options: Autoregressive) -> list[Tensor]:
    """Log-probabilities (vocabulary,) of each hypothesis's next id."""
    share = len(seen) // len(growing)
    rows = []
    for index, each in enumerate(growing):
        logits = each.steps.last(seen[index * share : (index + 1) * share])
        shaped = shape_row(logits, options.samplers, each.tokens, each.states)
        rows.append(shaped[0].double().log_softmax(dim=-1))
    return rows


def _best_choices(growing: list[Hypothesis], rows: list[Tensor], beams: int) -> list[Choice]:
    """The likeliest few of all ways to go on; of equals the earlier."""
    totals = torch.cat([each.score + row for each, row in zip(growing, rows, strict=True)])
    if not bool((totals > float("-inf")).any()):
        raise ItemError("the samplers leave no token to choose: loosen those that cut (top-k, top-p, ban)")
    ranked = totals.sort(descending=True, stable=True)
    width = len(rows[0])
    return [
        Choice(growing[place // width], place % width, score)
        for score, place in zip(ranked.values[:beams].tolist(), ranked.indices[:beams].tolist(), strict=True)
        if score > float("-inf")
    ]


def _grow(choices: list[Choice]) -> list[Hypothesis]:
    """Hypotheses of the choices; the first child goes on with what its parent has, the others with copies."""
    taken: set[int] = set()
    grown = []
    for choice in choices:
        parent = choice.parent
        first = id(parent) not in taken
        taken.add(id(parent))
        tokens = torch.cat([parent.tokens, parent.tokens.new_tensor([choice.token])])
        steps = parent.steps if first else parent.steps.fork()
        states = parent.states if first else deepcopy(parent.states)
        grown.append(Hypothesis(tokens, choice.score, parent.drawn + 1, steps, states))
    return grown
