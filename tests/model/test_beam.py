"""Beam search against trying everything, and in company."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from valle_engine.errors import ItemError
from valle_engine.model.autoregressive import Autoregressive, Steps
from valle_engine.model.engine import prepare, run_all
from valle_engine.model.guidance import Guidance
from valle_engine.model.parallel import Levels
from valle_engine.model.requests import Conditions, Speak
from valle_engine.parts import Sampler

GENERATOR = np.random.default_rng(5)
CONDITIONS = Conditions(phonemes=GENERATOR.integers(4, 256, 8), prompt=GENERATOR.integers(0, 1024, (6, 8)))
NARROW = range(100, 105)


def request(**options):
    return Speak(conditions=CONDITIONS, first=Autoregressive(**({"max_tokens": 5} | options)), rest=Levels(0))


class Only(Sampler):
    """Leaves a few ids, and the stop id from a step on."""

    name = "only"

    stop_from: int = 1000

    def __call__(self, logits, history, states):
        kept = torch.full_like(logits, float("-inf"))
        kept[:, NARROW] = logits[:, NARROW]
        for row, seen in enumerate(history):
            if len(seen) >= self.stop_from:
                kept[row] = float("-inf")
                kept[row, 1024] = 0.0
        return kept


def chances(model, tokens):
    """Log-probabilities of the next id among the narrow few."""
    inputs = replace(CONDITIONS.inputs(torch.device("cpu")), response=torch.tensor(tokens, dtype=torch.int64))
    steps = Steps(model, inputs, Autoregressive(max_tokens=1))
    return steps.last(model.run(steps.begin()))[0, NARROW].double().log_softmax(dim=-1)


def test_a_beam_as_wide_as_the_choice_finds_the_best_pair(models):
    model = models["tiny"]
    first = chances(model, [])
    totals = torch.stack([first[index] + chances(model, [token]) for index, token in enumerate(NARROW)])
    best = divmod(int(totals.argmax()), len(NARROW))
    [found] = run_all(model, [request(max_tokens=2, beams=len(NARROW), samplers=(Only(),))])
    assert found[:, 0].tolist() == [NARROW[index] for index in best]


def test_hypotheses_end_with_the_stop_id_which_is_not_kept(models):
    [found] = run_all(models["tiny"], [request(max_tokens=9, beams=3, samplers=(Only(stop_from=4),))])
    assert len(found) == 4


def test_a_guided_search_of_every_id_begins_with_the_best(models):
    guided = {"max_tokens": 1, "guidance": Guidance(2.0)}
    greedy, searched = run_all(models["tiny"], [request(samplers=None, **guided), request(beams=4, **guided)])
    np.testing.assert_array_equal(greedy, searched)


def test_a_search_finds_the_same_in_company(fresh_model):
    model = fresh_model()
    prepare(model)
    requests = [request(beams=3), request(samplers=()), request(beams=2, lead=(62, 62)), request(beams=3, max_tokens=9)]
    alone = [run_all(model, [each])[0] for each in requests]
    for one, together in zip(alone, run_all(model, requests), strict=True):
        np.testing.assert_array_equal(one, together)


class Nothing(Sampler):
    """Leaves no id."""

    name = "nothing"

    def __call__(self, logits, history, states):
        return torch.full_like(logits, float("-inf"))


def test_samplers_that_leave_nothing_are_the_items_error(models):
    with pytest.raises(ItemError, match="leave no token to choose"):
        run_all(models["tiny"], [request(beams=2, samplers=(Nothing(),))])
