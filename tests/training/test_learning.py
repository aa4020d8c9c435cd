"""The model learns, and what it is taught is what it does when it decodes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import run_all
from valle_engine.model.requests import Conditions, Write
from valle_engine.model.sequences import plan
from valle_engine.training.attention import OneByOne, Padded
from valle_engine.training.collation import collate
from valle_engine.training.lessons import Lesson


def test_it_overfits_a_batch(learner, teach):
    lessons = [*teach("tts"), *teach("stt"), *teach("len")]
    pack = collate(lessons, learner.model.config)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=5e-3)
    for _ in range(80):
        losses = learner(pack)
        losses.total.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert losses.total.item() < 0.05
    assert losses.right.mean().item() > 0.99


@pytest.mark.parametrize("task", ["tts", "tts-c", "ns", "tse", "cse"])
def test_speech_is_decoded_as_it_was_taught(learner, teach, task):
    lesson = teach(task, count=1, levels={"weights": [1, 0, 0], "masked": 0})[0]
    given = lesson.inputs
    prompt = tuple(part if isinstance(part, str) else part.numpy() for part in given.prompt)
    conditions = Conditions(task=task, phonemes=given.phonemes.numpy(), language=given.language, prompt=prompt)
    options = Autoregressive(12, None)
    [codes] = run_all(learner.model.requires_grad_(False), [greedy(conditions, options)])
    assert all_right(learner, replace(given, response=codes[:-1]), codes)


def greedy(conditions, options):
    """The first codebook alone."""
    from valle_engine.model.requests import Request, decode  # noqa: PLC0415 - beside its only user

    class First(Request):
        def start(self, model):
            inputs = replace(conditions.inputs(model.device), response=torch.empty(0, dtype=torch.int64))
            return decode(model, inputs, options, np.random.default_rng(0))

        def cached_places(self):
            return conditions.places + options.max_tokens

    return First()


@pytest.mark.parametrize("task", ["stt", "phn", "un-phn"])
def test_text_is_written_as_it_was_taught(learner, teach, task):
    given = teach(task, count=1)[0].inputs
    conditions = Conditions(
        task=task,
        phonemes=given.phonemes.numpy() if task == "un-phn" else None,
        text=given.text.numpy() if task == "phn" else None,
        language=given.language,
    )
    codes = given.response.numpy() if task == "stt" else None
    options = Autoregressive(10, None)
    [ids] = run_all(learner.model.requires_grad_(False), [Write(conditions=conditions, codes=codes, options=options)])
    written = torch.cat([torch.tensor([1]), torch.from_numpy(ids)])
    output = "text" if task == "un-phn" else "phonemes"
    assert all_right(learner, replace(given, **{output: written[:-1]}), written, first=1)


def all_right(learner, inputs, ids, first=0):
    """Whether the learner would say those ids, one after another."""
    ids = torch.as_tensor(ids)
    losses = learner(collate([Lesson(inputs, ids)], learner.model.config))
    return round(losses.right.item() * len(ids)) >= len(ids) - first and len(ids) > first


@pytest.mark.parametrize("task", ["tts", "tts-c", "ns", "tse", "cse", "nse", "len", "stt", "phn", "un-phn"])
def test_every_place_of_a_model_made_here_has_a_position(learner, teach, task):
    layout = plan(teach(task, count=1)[0].inputs, learner.model.config)
    assert layout.drift == 0
    assert max(layout.positions()) < layout.size


def test_padded_attention_is_what_it_is_one_by_one(learner, teach):
    pack = collate([lesson for task in ("tts", "stt", "len") for lesson in teach(task, count=4)], learner.model.config)
    assert pack.causal
    assert pack.open_
    random = torch.Generator().manual_seed(0)
    shape = (3, len(pack.positions), 2, 8)
    parts = torch.randn(shape, generator=random).requires_grad_(True)
    mixed = {kind: kind(pack, 0.0)(0, *parts) for kind in (OneByOne, Padded)}
    torch.testing.assert_close(mixed[Padded], mixed[OneByOne])
    gradients = [torch.autograd.grad(each.square().sum(), parts, retain_graph=True)[0] for each in mixed.values()]
    torch.testing.assert_close(*gradients)
