"""Drawing, and guidance that grows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import ItemError
from valle_engine.model.guidance import Guidance, GuidedRows, guide
from valle_engine.model.sampling import Draw, draw_together, new_states, pick, shape_frames, stream
from valle_engine.parts import Sampler

NOTHING = torch.empty(0, dtype=torch.int64)


class Doubling(Sampler):
    """Doubles logits, and remembers what it was shown and told."""

    name = "doubling"

    def new_state(self):
        return []

    def __call__(self, logits, history, states):
        for state, seen in zip(states, history, strict=True):
            state.append(("saw", seen.tolist()))
        return logits * 2

    def observe(self, logits, drawn, states):
        for state, token in zip(states, drawn.tolist(), strict=True):
            state.append(("drew", token))


def test_a_chance_falls_into_the_token_that_owns_it():
    logits = torch.tensor([[0.25, 0.5, 0.25]]).log().expand(6, 3)
    chances = np.array([0.0, 0.2499, 0.2501, 0.7499, 0.7501, 0.999999])
    assert pick(logits, chances).tolist() == [0, 0, 1, 1, 2, 2]


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40), st.floats(0, 1, exclude_max=True), st.data())
def test_what_is_cut_is_never_drawn(values, chance, data):
    logits = torch.tensor([values])
    kept = data.draw(st.integers(0, len(values) - 1))
    cut = torch.full_like(logits, float("-inf"))
    cut[0, kept] = logits[0, kept]
    assert pick(cut, np.array([chance])).tolist() == [kept]


def test_draws_follow_the_distribution():
    logits = torch.tensor([[0.1, 0.6, 0.3]]).log().expand(20000, 3)
    drawn = pick(logits, stream(5).random(20000))
    np.testing.assert_allclose(torch.bincount(drawn).numpy() / 20000, [0.1, 0.6, 0.3], atol=0.015)


def test_a_row_with_nothing_left_is_the_items_error():
    with pytest.raises(ItemError, match="leave no token to draw"):
        pick(torch.full((1, 4), float("-inf")), np.array([0.5]))


def test_no_chain_takes_the_best_and_of_equals_the_first():
    draw = Draw(torch.tensor([[1.0, 3.0, 3.0]]), None, NOTHING, [], 0.99)
    assert draw_together([draw, draw]) == [1, 1]


def test_each_row_has_its_own_memory():
    chain = (Doubling(),)
    rows = [
        Draw(torch.tensor([[0.0, 99.0]]), chain, torch.tensor([7]), new_states(chain), 0.5),
        Draw(torch.tensor([[99.0, 0.0]]), chain, torch.tensor([8, 9]), new_states(chain), 0.5),
    ]
    assert draw_together(rows) == [1, 0]
    assert rows[0].states == [[("saw", [7]), ("drew", 1)]]
    assert rows[1].states == [[("saw", [8, 9]), ("drew", 0)]]


def test_frames_have_no_history():
    chain = (Doubling(),)
    torch.testing.assert_close(shape_frames(torch.ones(3, 4), chain), torch.full((3, 4), 2.0))
    torch.testing.assert_close(shape_frames(torch.ones(3, 4), ()), torch.ones(3, 4))


def test_streams_differ_by_seed_alone():
    assert stream(2**100).random() == stream(2**100).random() != stream(2**100 + 1).random()


@pytest.mark.parametrize("span", [1, 3])
def test_guidance_row_by_row_equals_guidance_of_the_whole(span):
    generator = torch.Generator().manual_seed(0)
    conditioned, bare = torch.randn(2, 9, 50, generator=generator)
    growing = GuidedRows(Guidance(2.0, 0.7))
    for end in range(1, 10):
        start = max(0, end - span)
        settled = max(0, end - span + 1) - start
        last = growing(conditioned[start:end], bare[start:end], settled)[-1]
        torch.testing.assert_close(last, guide(Guidance(2.0, 0.7), conditioned[:end], bare[:end])[-1])


def test_guidance_equals_the_reference(reference):
    recorded = np.load(reference / "golden" / "samplers.npz")
    conditioned, bare = torch.from_numpy(recorded["cfg_pos"]), torch.from_numpy(recorded["cfg_null"])
    for strength, rescale in ((2.0, 0.0), (2.0, 0.75), (3.0, 0.7)):
        expected = torch.from_numpy(recorded[f"cfg_s{strength}_r{rescale}"])
        found = guide(Guidance(strength, rescale), conditioned[-12:], bare[-12:])
        torch.testing.assert_close(found, expected[-12:], atol=1e-4, rtol=0)


def test_strength_one_without_rescaling_changes_nothing():
    conditioned, bare = torch.randn(2, 4, 10, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(guide(Guidance(1.0, 0.0), conditioned, bare), conditioned)
