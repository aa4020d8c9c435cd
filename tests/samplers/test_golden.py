"""Parity with the released format's samplers; where its reference is at fault, the test says how ours differs."""

import pytest
import torch

from valle_plugins.samplers.ban import Ban
from valle_plugins.samplers.dry import Dry
from valle_plugins.samplers.dynamic_temperature import DynamicTemperature
from valle_plugins.samplers.entropix import Entropix, uncertainty
from valle_plugins.samplers.length_penalty import LengthPenalty
from valle_plugins.samplers.min_p import MinP
from valle_plugins.samplers.mirostat import Mirostat
from valle_plugins.samplers.repetition_penalty import RepetitionPenalty
from valle_plugins.samplers.temperature import Temperature
from valle_plugins.samplers.top_k import TopK
from valle_plugins.samplers.top_n_sigma import TopNSigma
from valle_plugins.samplers.top_p import TopP


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("k", [1, 5, 50])
def test_top_k(golden, apply, k):
    same(apply(TopK(k=k), golden["LN"]), golden[f"topk_{k}"])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_top_p(golden, apply, p):
    same(apply(TopP(p=p), golden["LN"]), golden[f"topp_{p}"])


def test_top_k_then_top_p(golden, apply):
    same(apply(TopP(p=0.8), apply(TopK(k=20), golden["LN"])), golden["topk20_topp0.8"])


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5])
def test_min_p_which_there_always_keeps_the_32_best(golden, apply, p):
    same(apply(MinP(p=p, keep=32), golden["LN"]), golden[f"minp_{p}"])


def test_top_n_sigma(golden, apply):
    same(apply(TopNSigma(n=1.0), golden["LN"]), golden["topno"])


def test_top_n_sigma_after_top_k_where_the_reference_loses_every_token(golden, apply):
    # There the deviation of a row that holds -inf is nan, and no token passes. Here what is gone does not count.
    assert golden["topno_after_topk"].isneginf().all()
    cut = apply(TopK(k=20), golden["LN"])
    ours = apply(TopNSigma(n=1.0), cut)
    for row, before in zip(ours, cut, strict=True):
        left = before[before.isfinite()]
        assert torch.equal(row[row.isfinite()], left[left >= left.max() - left.std()])


@pytest.mark.parametrize("rows", ["L1", "LN"])
def test_dynamic_temperature(golden, apply, rows):
    same(apply(DynamicTemperature(high=1.0, low=0.2), golden[rows]), golden[f"dyntemp_{rows}"])


@pytest.mark.parametrize("case", ["lenpen_10_0.5", "lenpen_10_-0.5"])
def test_length_penalty_which_there_turns_round_below_zero(golden, apply, case):
    # The reference divides a negative logit too, so its penalty makes the stop likelier. Ours multiplies there.
    factor = golden.settings[case]["factor"]
    before = golden["L1"]
    ours = apply(LengthPenalty(penalty=factor), before, [torch.zeros(9, dtype=torch.int64)])
    assert before[0, 1024] < 0
    same(ours[:, :1024], golden[case][:, :1024])
    same(ours[0, 1024], before[0, 1024] ** 2 / golden[case][0, 1024])


def test_repetition_penalty_which_there_makes_negative_logits_likelier(golden, apply):
    # The reference divides whatever the sign and once for each time a token was drawn. Ours goes by the sign, once.
    before, after = golden["L1"][0], golden["reppen_L1_f1.5_d0.0"][0]
    seen = golden["prev"].long()
    ours = apply(RepetitionPenalty(penalty=1.5), golden["L1"], [seen])[0]
    once = torch.tensor([token for token in seen if (seen == token).sum() == 1])
    up = once[before[once] > 0]
    down = once[before[once] < 0]
    same(ours[up], after[up])
    same(ours[down], before[down] ** 2 / after[down])
    unseen = torch.ones(1025, dtype=torch.bool).index_fill(0, seen, value=False)
    same(ours[unseen], after[unseen])


def test_repetition_penalty_of_parallel_rows_counts_what_stands_before_each(golden, apply):
    seen = golden["prevN"].long()
    rows = golden["LN"]
    ours = apply(RepetitionPenalty(penalty=1.5), rows, [seen[:row] for row in range(len(rows))])
    positive = rows > 0
    same(ours[positive], golden["reppen_LN_f1.5_d0.0"][positive])


def test_repetition_penalty_decays_with_distance_where_the_reference_grows_it(golden, apply):
    # There the factor is 1.5 * distance^decay: more for what is long gone. The tokens drawn last are ... 269, 924, 697.
    theirs = golden["L1"][0] / golden["reppen_L1_f1.5_d0.5"][0]
    assert theirs[924] == pytest.approx(1.5 * 2**0.5)
    positive = golden["L1"].abs()
    ours = (positive / apply(RepetitionPenalty(penalty=1.5, decay=0.5), positive, [golden["prev"].long()]))[0]
    same(ours[[697, 924, 269]], 1 + 0.5 / torch.tensor([1.0, 2.0, 3.0]).sqrt())


@pytest.mark.parametrize(("rows", "case"), [("L1", "ban_1024_on_1025"), ("LN", "ban_1024_on_1024")])
def test_ban_which_there_bans_nothing(golden, apply, rows, case):
    assert torch.equal(golden[case], golden[rows])
    ours = apply(Ban(tokens=(1024,)), golden[rows])
    same(ours[:, :1024], golden[rows][:, :1024])
    assert ours[:, 1024:].isneginf().all()


def test_dry_which_there_does_nothing_as_the_model_calls_it(golden, apply):
    # There tokens are told apart by object, so none is ever seen twice. Here a repeat is found.
    assert torch.equal(golden["dry_prev_0.8_2_tensor"], golden["L1"])
    seen = torch.tensor([5, 6, 7, 8, 5, 6])
    ours = apply(Dry(multiplier=0.8, base=1.75, allowed=2), golden["L1"], [seen])
    expected = golden["L1"].clone()
    expected[0, 7] -= 0.8
    same(ours, expected)


def test_dry_penalises_the_continuation_and_not_the_repeat(golden, apply):
    # There the token aligned with the last one is penalised, and the search ends at the first that is not repeated.
    seen = golden["prev"].long()
    ours = apply(Dry(multiplier=1.0, base=2.0, allowed=1), golden["L1"], [seen])
    expected = golden["L1"].clone()
    expected[0, [720, 791]] -= 1.0  # what followed 697 each time before
    same(ours, expected)


def test_mirostat_moves_its_ceiling_as_the_reference_does_from_the_same_start(golden):
    # There the ceiling starts at 2 * eta, and all rows of a batch share one state. Ours starts at 2 * tau, per row.
    theirs = golden.settings["mirostat_seed3"]["state"]
    sampler = Mirostat(target=theirs["tau"], rate=theirs["eta"], version=1)
    state, other = sampler.new_state(), sampler.new_state()
    assert state.ceiling == 2 * theirs["tau"]
    state.ceiling = 2 * theirs["eta"]
    kept = sampler(golden["L1"], [torch.zeros(0, dtype=torch.int64)], [state])
    token = golden["mirostat_seed3"]
    assert kept[0, token].isfinite()
    sampler.observe(kept, token, [state])
    assert state.ceiling == pytest.approx(theirs["max_surprise"], abs=1e-5)
    assert other.ceiling == 2 * theirs["tau"]


def test_entropix_measures(golden):
    theirs = golden.settings["entropix_metrics"]
    entropy, variance = uncertainty(golden["entropix_logits"][-1:])
    assert entropy.item() == pytest.approx(theirs["logits_entropy"], abs=1e-4)
    assert variance.item() == pytest.approx(theirs["logits_varentropy"], abs=1e-4)


def test_entropix_keeps_the_likely_tokens_where_the_reference_drops_them(golden, apply):
    # There the probabilities are summed from the least likely up, so top-p drops the best; ours keeps them.
    logits = golden["entropix_logits"][-1:]
    ours = apply(Entropix(), logits)
    kept = ours.isfinite().sum().item()
    assert 1 <= kept <= 27
    assert set(ours.topk(kept).indices[0].tolist()) == set(logits.topk(kept).indices[0].tolist())


def test_entropix_of_a_certain_row_is_its_best_token_where_the_reference_crashes(apply):
    logits = torch.full((1, 1025), -20.0)
    logits[0, 7] = 20.0
    assert apply(Entropix(), logits).isfinite().nonzero().tolist() == [[0, 7]]


@pytest.mark.parametrize("rows", ["ar", "nar"])
def test_the_reference_order_as_a_chain(golden, apply, rows):
    # Its own order is min-p, top-k, top-p, temperature, top-n-sigma; with -inf in a row it raised, ours goes on.
    before = golden["L1" if rows == "ar" else "LN"]
    if rows == "ar":
        same(apply(TopK(k=50), before), golden["sample_ar_k50_seed11.logits"])
        same(apply(MinP(p=0.05, keep=32), before), golden["sample_ar_minp_seed11.logits"])
        same(apply(TopNSigma(), before), golden["sample_ar_default_seed11.logits"])
    chained = apply(TopNSigma(), apply(Temperature(), apply(TopK(k=50), before)))
    assert chained.isfinite().any(dim=-1).all()


@pytest.mark.parametrize(("rows", "case"), [("L1", "sample_ar_t0_seed11"), ("LN", "sample_nar_t0_seed11")])
def test_temperature_zero_is_the_best_token(golden, apply, rows, case):
    assert torch.equal(apply(Temperature(temperature=0), golden[rows]).argmax(dim=-1), golden[case])
