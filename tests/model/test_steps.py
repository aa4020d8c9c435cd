"""Decoding with a cache against the plain way: see everything again at every step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import run_all
from valle_engine.model.guidance import Guidance, guide
from valle_engine.model.language_model import Pass
from valle_engine.model.parallel import Levels
from valle_engine.model.requests import Conditions, Context, Speak, Write
from valle_engine.model.sequences import BOS, without_conditions

GENERATOR = np.random.default_rng(11)
PHONEMES = np.array([1, *GENERATOR.integers(4, 256, 12), 2])


def codes(frames):
    return GENERATOR.integers(0, 1024, (frames, 8))


PROMPTS = {
    "none": ("tts", None),
    "voice": ("tts", (codes(9),)),
    "ns": ("ns", ("ns", codes(7))),
    "tts-c": ("tts-c", (codes(5), "tts-c")),
    "tse": ("tse", (codes(5), "tse", codes(8))),
    "cse": ("cse", (codes(4), "soe", "mask", "eoe", codes(6))),
    "nse": ("nse", (codes(4), "soe", codes(3), "eoe", codes(6))),
}


def see(model, inputs, rows):
    embedded = model.embed(inputs)
    layout = embedded.plan
    return model.run([Pass(embedded.embeddings, layout.positions(), layout.head, rows, layout.causal)])[0]


def greedily(model, inputs, count, guidance, known):
    """Best ids (count,), each from the whole sequence so far."""
    drawn = []
    while len(drawn) < count:
        frames = torch.tensor([*known, *drawn], dtype=torch.int64)
        spoken = replace(inputs, response=frames)
        rows = len(frames) + 1
        logits = see(model, spoken, rows)
        if guidance is not None:
            logits = guide(guidance, logits, see(model, without_conditions(spoken, model.device), rows))
        drawn.append(int(logits[-1].argmax()))
        if drawn[-1] == model.config.stop_code:
            return drawn[:-1]
    return drawn


@pytest.mark.parametrize("guidance", [None, Guidance(1.7, 0.6)], ids=["plain", "guided"])
@pytest.mark.parametrize("kind", PROMPTS)
def test_every_layout_decodes_as_if_it_saw_everything_again(models, kind, guidance):
    task, prompt = PROMPTS[kind]
    conditions = Conditions(task=task, phonemes=PHONEMES, prompt=prompt)
    request = Speak(conditions=conditions, first=Autoregressive(12, None, guidance), rest=Levels(0))
    expected = greedily(models["tiny"], conditions.inputs(torch.device("cpu")), 12, guidance, [])
    assert run_all(models["tiny"], [request])[0][:, 0].tolist() == expected


@pytest.mark.parametrize("kind", ["voice", "ns", "tse"])
def test_guidance_counts_what_came_before(models, kind):
    task, prompt = PROMPTS[kind]
    conditions = Conditions(task=task, phonemes=PHONEMES, prompt=prompt)
    context = Context(phonemes=np.array([1, 30, 31, 2]), codes=codes(6))
    first = Autoregressive(8, None, Guidance(1.7, 0.6))
    request = Speak(conditions=conditions, first=first, rest=Levels(0), context=context)
    inputs = conditions.inputs(torch.device("cpu"))
    joined = torch.cat([torch.tensor([1, 30, 31]), inputs.phonemes[1:]])
    expected = greedily(models["tiny"], replace(inputs, phonemes=joined), 8, first.guidance, context.codes[:, 0])
    assert run_all(models["tiny"], [request])[0][:, 0].tolist() == expected


def test_running_positions_decode_as_if_seen_again(fresh_model):
    model = fresh_model()
    model.config = replace(model.config, restart_positions=False)
    conditions = Conditions(phonemes=PHONEMES, prompt=codes(9))
    request = Speak(conditions=conditions, first=Autoregressive(10, None), rest=Levels(0))
    expected = greedily(model, conditions.inputs(torch.device("cpu")), 10, None, [])
    assert run_all(model, [request])[0][:, 0].tolist() == expected


def test_text_that_sees_both_ways_is_seen_again_at_every_step(models):
    """Spelling is trained without a causal mask, so nothing of it can be kept."""
    model = models["tiny-v6"]
    conditions = Conditions(task="un-phn", phonemes=PHONEMES)
    [found] = run_all(model, [Write(conditions=conditions, options=Autoregressive(6, None))])
    inputs, drawn = conditions.inputs(torch.device("cpu")), [BOS]
    for _ in range(6):
        drawn.append(int(see(model, replace(inputs, text=torch.tensor(drawn)), 1)[-1].argmax()))
    assert found.tolist() == drawn[1:]
