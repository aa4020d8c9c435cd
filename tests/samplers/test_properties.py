"""What must hold for every sampler and every chain of them, whatever the numbers."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from valle_plugins.samplers import samplers
from valle_plugins.samplers.ban import Ban
from valle_plugins.samplers.dry import Dry
from valle_plugins.samplers.dynamic_temperature import DynamicTemperature
from valle_plugins.samplers.entropix import Entropix
from valle_plugins.samplers.greedy import Greedy
from valle_plugins.samplers.length_penalty import LengthPenalty
from valle_plugins.samplers.min_p import MinP
from valle_plugins.samplers.mirostat import Mirostat
from valle_plugins.samplers.repetition_penalty import RepetitionPenalty
from valle_plugins.samplers.temperature import Temperature
from valle_plugins.samplers.top_k import TopK
from valle_plugins.samplers.top_n_sigma import TopNSigma
from valle_plugins.samplers.top_p import TopP
from valle_plugins.samplers.typical import Typical

EVERY = [
    Ban(tokens=(0, 1, 2, 900)),
    Dry(allowed=1, window=20),
    DynamicTemperature(high=1.5, low=0.1),
    Entropix(),
    Greedy(),
    LengthPenalty(penalty=-0.5, token=1),
    MinP(p=0.3),
    Mirostat(target=1.0, version=1),
    Mirostat(target=1.0, version=2),
    RepetitionPenalty(penalty=1.7, decay=0.3, window=20),
    Temperature(temperature=0),
    Temperature(temperature=0.7),
    TopK(k=3),
    TopNSigma(n=0.5),
    TopP(p=0.6),
    Typical(mass=0.4),
]


def name(sampler):
    return repr(sampler)


numbers = st.floats(-60, 60, width=32) | st.sampled_from([0.0, 1.0, -math.inf])


@st.composite
def batches(draw):
    """Logits (rows, vocabulary) with a token left in every row, and a history per row."""
    vocabulary = draw(st.integers(1, 40))
    rows = draw(st.lists(st.lists(numbers, min_size=vocabulary, max_size=vocabulary), min_size=1, max_size=5))
    assume(all(any(math.isfinite(value) for value in row) for row in rows))
    tokens = st.lists(st.integers(0, vocabulary + 3), max_size=60)
    return torch.tensor(rows), [torch.tensor(draw(tokens), dtype=torch.int64) for _ in rows]


def in_company(chain, logits, history):
    for sampler in chain:
        logits = sampler(logits, history, [sampler.new_state() for _ in history])
    return logits


def test_every_offered_sampler_is_tested_here():
    assert {type(sampler) for sampler in EVERY} == set(samplers())


@pytest.mark.parametrize("sampler", EVERY, ids=name)
@given(batch=batches())
@settings(max_examples=40, deadline=None)
def test_a_sampler_keeps_a_token_and_its_input_and_revives_none(sampler, batch):
    logits, history = batch
    before, past = logits.clone(), [seen.clone() for seen in history]
    after = in_company([sampler], logits, history)
    assert torch.equal(logits, before)
    assert all(torch.equal(seen, old) for seen, old in zip(history, past, strict=True))
    assert after.shape == before.shape
    assert after.dtype == before.dtype
    assert after.isfinite().any(dim=-1).all()
    assert not (after.isnan() | after.isposinf()).any()
    assert not (after.isfinite() & before.isneginf()).any()


@given(batch=batches(), chain=st.lists(st.sampled_from(EVERY), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_row_is_the_same_alone_and_in_company_in_any_chain(batch, chain):
    logits, history = batch
    together = in_company(chain, logits, history)
    for row in range(len(logits)):
        alone = in_company(chain, logits[row : row + 1], history[row : row + 1])
        assert torch.equal(alone[0], together[row])
    assert together.isfinite().any(dim=-1).all()


@pytest.mark.parametrize("vocabulary", [1024, 1025])
@pytest.mark.parametrize("sampler", EVERY, ids=name)
def test_a_row_is_the_same_alone_and_among_64_at_full_width(sampler, vocabulary):
    source = torch.Generator().manual_seed(7)
    logits = torch.randn(64, vocabulary, generator=source) * torch.logspace(-1, 1.2, 64)[:, None]
    history = [torch.randint(0, 1025, (row * 6,), generator=source) for row in range(64)]
    together = in_company([sampler], logits, history)
    for row in range(64):
        assert torch.equal(in_company([sampler], logits[row : row + 1], history[row : row + 1])[0], together[row])


@pytest.mark.parametrize("sampler", EVERY, ids=name)
def test_no_rows_give_no_rows(sampler):
    assert in_company([sampler], torch.zeros(0, 8), []).shape == (0, 8)


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_feedback_is_the_same_alone_and_in_company(version):
    sampler = Mirostat(target=2.0, version=version)
    source = torch.Generator().manual_seed(3)
    logits = torch.randn(9, 1025, generator=source) * 3
    together = [sampler.new_state() for _ in logits]
    alone = [sampler.new_state() for _ in logits]
    empty = [torch.zeros(0, dtype=torch.int64)] * 9
    for _ in range(4):
        reshaped = sampler(logits, empty, together)
        drawn = reshaped.argmax(dim=-1)
        sampler.observe(reshaped, drawn, together)
        for row, state in enumerate(alone):
            own = sampler(logits[row : row + 1], empty[:1], [state])
            sampler.observe(own, drawn[row : row + 1], [state])
    assert [state.ceiling for state in alone] == [state.ceiling for state in together]
