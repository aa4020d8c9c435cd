"""Each sampler against its formula, worked out by hand or by a slow second way."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from valle_engine.parts import check_chain
from valle_plugins.samplers.ban import Ban
from valle_plugins.samplers.dry import LONGEST, Dry, repeat_lengths
from valle_plugins.samplers.dynamic_temperature import DynamicTemperature
from valle_plugins.samplers.entropix import Entropix
from valle_plugins.samplers.greedy import Greedy
from valle_plugins.samplers.length_penalty import LengthPenalty
from valle_plugins.samplers.min_p import MinP
from valle_plugins.samplers.mirostat import Mirostat, zipf_exponent
from valle_plugins.samplers.recent import newest_first
from valle_plugins.samplers.repetition_penalty import RepetitionPenalty
from valle_plugins.samplers.temperature import Temperature
from valle_plugins.samplers.top_k import TopK
from valle_plugins.samplers.top_n_sigma import TopNSigma
from valle_plugins.samplers.top_p import TopP
from valle_plugins.samplers.typical import Typical

INF = math.inf


def logits_of(*probabilities):
    return torch.tensor([probabilities]).log()


def kept(logits):
    return logits[0].isfinite().nonzero().flatten().tolist()


def test_greedy_keeps_the_lowest_id_of_equals(apply):
    assert kept(apply(Greedy(), torch.tensor([[1.0, 3.0, 3.0]]))) == [1]


def test_temperature_raises_probabilities_to_its_inverse(apply):
    hot = apply(Temperature(temperature=2.0), logits_of(0.64, 0.36)).softmax(dim=-1)
    torch.testing.assert_close(hot, torch.tensor([[0.8, 0.6]]) / 1.4)


def test_a_temperature_too_cold_for_float32_is_refused():
    with pytest.raises(ValidationError, match=r"0 \(greedy\) or at least 0\.01"):
        Temperature(temperature=0.001)


def test_dynamic_temperature_is_in_the_middle_at_one_half(apply):
    logits = logits_of(0.5, 0.25, 0.25)
    torch.testing.assert_close(apply(DynamicTemperature(high=1.0, low=0.2), logits), logits / 0.6)


def test_dynamic_temperature_refuses_a_low_above_its_high():
    with pytest.raises(ValidationError, match=r"low \(0\.9\) must not be above high \(0\.5\)"):
        DynamicTemperature(high=0.5, low=0.9)


def test_top_k_keeps_equals_of_the_last(apply):
    assert kept(apply(TopK(k=2), torch.tensor([[3.0, 1.0, 2.0, 2.0]]))) == [0, 2, 3]


def test_top_p_keeps_the_token_that_reaches_the_mass(apply):
    logits = logits_of(0.5, 0.3, 0.2)
    assert [kept(apply(TopP(p=p), logits)) for p in (0.4, 0.6, 0.9)] == [[0], [0, 1], [0, 1, 2]]


def test_min_p_is_relative_to_the_best(apply):
    logits = logits_of(0.6, 0.3, 0.1)
    assert [kept(apply(MinP(p=p), logits)) for p in (0.1, 0.4, 0.7)] == [[0, 1, 2], [0, 1], [0]]


def test_top_n_sigma_keeps_the_same_tokens_at_any_temperature(apply):
    logits = torch.randn(1, 200, generator=torch.Generator().manual_seed(1))
    cold = apply(Temperature(temperature=0.25), logits)
    assert kept(apply(TopNSigma(n=1.5), cold)) == kept(apply(TopNSigma(n=1.5), logits))


def test_typical_may_drop_the_best_token(apply):
    # Entropy 1.37 nats; the tokens of 0.1 (2.3) are farther from it than 0.2 (1.6) and 0.5 (0.7).
    logits = logits_of(0.5, 0.2, 0.1, 0.1, 0.1)
    assert kept(apply(Typical(mass=0.15), logits)) == [1]


@pytest.mark.parametrize("sampler", [TopP(p=1), Typical(mass=1)])
def test_the_whole_mass_keeps_every_token(apply, sampler):
    logits = torch.randn(3, 1025, generator=torch.Generator().manual_seed(5)) * 3
    assert torch.equal(apply(sampler, logits), logits)


def test_repetition_penalty_goes_by_sign_and_forgets_beyond_its_window(apply):
    seen = [torch.tensor([0, 1, 2])]
    ours = apply(RepetitionPenalty(penalty=2.0, window=2), torch.tensor([[4.0, 4.0, -4.0]]), seen)
    assert ours.tolist() == [[4.0, 2.0, -8.0]]


def test_repetition_penalty_takes_the_nearest_of_several(apply):
    ours = apply(RepetitionPenalty(penalty=2.0, decay=1.0), torch.tensor([[4.0, 6.0]]), [torch.tensor([0, 0, 1])])
    torch.testing.assert_close(ours, torch.tensor([[4.0 / 1.5, 3.0]]))


@pytest.mark.parametrize("stop", [4.0, -4.0])
def test_length_penalty_makes_stopping_ever_less_likely(apply, stop):
    sampler = LengthPenalty(penalty=0.5, token=0)
    chances = [
        apply(sampler, torch.tensor([[stop, 0.0]]), [torch.zeros(n, dtype=torch.int64)])[0, 0] for n in (0, 3, 8)
    ]
    assert chances[0] == stop
    assert chances == sorted(chances, reverse=True)


def test_ban_leaves_alone_a_row_that_would_lose_its_last_token(apply):
    logits = torch.tensor([[1.0, 2.0, -INF], [1.0, 2.0, 3.0]])
    assert apply(Ban(tokens=(0, 1)), logits).tolist() == [[1.0, 2.0, -INF], [-INF, -INF, 3.0]]


def test_ban_takes_one_token_for_many():
    assert Ban.model_validate({"tokens": 7}) == Ban(tokens=(7,))


def slow_repeat_length(seen, end):
    length = 0
    while length < LONGEST and end - length >= 0 and seen[end - length] == seen[-1 - length]:
        length += 1
    return length


@given(st.lists(st.lists(st.integers(0, 2), max_size=120), min_size=1, max_size=3))
@settings(deadline=None)
def test_dry_finds_the_repeats_that_a_slow_search_finds(histories):
    tokens = newest_first([torch.tensor(seen, dtype=torch.int64) for seen in histories], 0)
    for seen, found in zip(histories, repeat_lengths(tokens).tolist(), strict=True):
        slow = [slow_repeat_length(seen, end) for end in reversed(range(len(seen) - 1))]
        assert found == slow + [0] * (len(found) - len(slow))


def test_dry_grows_with_the_repeat_and_forgets_beyond_its_window(apply):
    seen = [torch.tensor([3, 1, 2, 5, 3, 1, 2])]
    whole, cut = Dry(multiplier=1.0, base=2.0, allowed=2), Dry(multiplier=1.0, base=2.0, allowed=2, window=6)
    assert apply(whole, torch.zeros(1, 6), seen).tolist() == [[0, 0, 0, 0, 0, -2.0]]
    assert apply(cut, torch.zeros(1, 6), seen).tolist() == [[0, 0, 0, 0, 0, -1.0]]


def test_mirostat_fits_the_exponent_of_zipfs_law():
    places = torch.arange(1, 1025, dtype=torch.float64)
    surprise = -(places**-1.3 / (places**-1.3).sum()).log2()
    torch.testing.assert_close(zipf_exponent(surprise[None]), torch.tensor([[1.3]], dtype=torch.float64))


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_holds_the_surprise_at_its_target(version):
    sampler = Mirostat(target=3.0, rate=0.1, version=version)
    source = torch.Generator().manual_seed(0)
    state, spent = sampler.new_state(), []
    empty = [torch.zeros(0, dtype=torch.int64)]
    for _ in range(600):
        logits = torch.randn(1, 1025, generator=source) * 3
        reshaped = sampler(logits, empty, [state])
        drawn = reshaped.softmax(dim=-1).multinomial(1, generator=source)[0]
        spent.append(-logits.log_softmax(dim=-1)[0, drawn].item() / math.log(2))
        sampler.observe(reshaped, drawn, [state])
    assert sum(spent[100:]) / 500 == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("ceiling", [-1e4, 0.0, 1e4])
def test_mirostat_survives_a_ceiling_that_ran_away_and_rows_all_alike(version, ceiling):
    sampler = Mirostat(version=version)
    state = sampler.new_state()
    state.ceiling = ceiling
    ours = sampler(torch.zeros(1, 1025), [torch.zeros(0, dtype=torch.int64)], [state])
    assert ours.isfinite().any()


def test_entropix_cools_no_row_below_and_heats_none_above_its_bounds(apply):
    logits = torch.randn(1, 1025, generator=torch.Generator().manual_seed(2)) * 2
    everything = {"top_p": 1.0, "top_k": 1025, "min_p": 0.0001}
    ours = apply(Entropix(temperature=100.0, **everything), logits)
    left = ours.isfinite()
    torch.testing.assert_close(ours[left], logits[left] / 1.25)


def test_samplers_that_each_settle_the_choice_are_refused_together():
    assert check_chain([TopK(), Greedy(), TopP()]) == []
    assert check_chain([Greedy(), TopP(), Mirostat()]) == [
        "greedy and mirostat each settle the choice by a rule of their own: keep one of them"
    ]
