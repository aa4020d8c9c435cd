"""Faults of the reference (its facts, section 14) that this engine does not share: which, and what it does instead."""

import numpy as np
import pytest
import torch

from valle_engine.errors import ItemError
from valle_engine.model.autoregressive import Autoregressive, Row
from valle_engine.model.engine import run_all
from valle_engine.model.parallel import Canvas, Demasking, Levels
from valle_engine.model.requests import Measure, Refine, Speak, Write

MASK = 1024

GREEDY = Autoregressive(6, None)


def test_text_is_read_by_the_head_that_was_trained_for_it(models, golden, see_whole):
    """Fault 1: the reference asks for a head `phn`, which no checkpoint has, and takes hidden states for logits."""
    run, model = golden("tiny", "stt_as_is_greedy"), models["tiny"]
    assert run["call0.b0.logits"].shape[1] == model.config.dim
    logits = model.run([see_whole(model, run.inputs(0, 0))])[0]
    mended = golden("tiny", "stt_headpatched_greedy")
    np.testing.assert_allclose(logits.numpy(), mended["call0.b0.logits"], atol=1e-4, rtol=0)


def test_a_task_whose_head_is_missing_is_refused(models, golden):
    """Fault 1 again: spelling phonemes needs the `text` head of version 6; the reference goes on without one."""
    conditions = golden("tiny", "unphn_greedy").conditions(0)
    with pytest.raises(ItemError, match="no 'text' head"):
        run_all(models["tiny"], [Write(conditions=conditions, options=GREEDY)])


def test_a_duration_ends_with_its_own_last_digit(models, golden):
    """Fault 3: in a batch the reference adds digits that came after an item's end: 10 frames for 1."""
    run, alone = golden("tiny", "len_batch2"), golden("tiny", "len")
    assert int(run["result.0"]) == 10 != int(alone["result.0"])
    together = run_all(models["tiny"], [Measure(conditions=run.conditions(item)) for item in run.items])
    assert together == [int(alone["result.0"]), int(run["result.1"])]


def test_steps_with_a_cache_equal_steps_without(models, golden):
    """Fault 2: the reference cannot cache and sees everything again at every step."""
    run, model = golden("tiny", "ns_ar_greedy"), models["tiny"]
    row = Row(model, run.inputs(0, 0), 8)
    steps = [model.run([row.begin(1)])[0]] + [model.run([row.extend(int(t))])[0] for t in run["result.0"][:4]]
    for count, logits in enumerate(steps):
        grown = run.inputs(0, 0)
        object.__setattr__(grown, "response", torch.from_numpy(run["result.0"][:count]))
        [whole] = model.run([Row(model, grown, 8).begin(1)])
        torch.testing.assert_close(logits[-1:], whole, atol=1e-5, rtol=0)


def test_eight_frames_are_refined_like_any_others(models, golden):
    """Fault 8: the reference takes an output of exactly eight frames for training data."""
    run = golden("tiny", "nar_greedy")
    codes = run.given(0, 0, "resp")[:8]
    [refined] = run_all(models["tiny"], [Refine(conditions=run.conditions(0), codes=codes)])
    assert refined.shape == (8, 8)


def test_a_borrowed_voice_stays_in_its_place():
    """Fault 10: the reference copies the source's codes in list order into whichever frames are open."""
    canvas = Canvas(4, MASK, torch.device("cpu"))
    canvas.begin_from(torch.tensor([5, 6, 7, 8]), np.array([False, True, False, True]))
    canvas.mask(2)
    assert canvas.ids.tolist() == [5, MASK, 7, MASK]
    canvas.borrow(torch.tensor([11, 12, 13, 14]), np.array([False, False, False, True]))
    assert canvas.ids.tolist() == [5, 12, 7, MASK]


def test_raw_text_reaches_every_level(models, golden):
    """Fault 24: the reference leaves raw text out of all levels above the first."""
    run = golden("tiny", "ar_rawtext")
    codes = np.arange(10)[:, None]
    with_text = Refine(conditions=run.conditions(0), codes=codes)
    other = Refine(conditions=run.conditions(0, text=run.given(0, 0, "text")[::-1]), codes=codes)
    one, another = run_all(models["tiny"], [with_text, other])
    assert not np.array_equal(one, another)


def test_a_continued_prompt_still_voices_the_levels(models, golden):
    """Fault 27: continuing a prompt empties it, and the reference's levels then fail on it."""
    run = golden("tiny", "ar_greedy")
    conditions = run.conditions(0)
    [codes] = run_all(models["tiny"], [Speak(conditions=conditions, first=GREEDY, continue_prompt=True)])
    [refined] = run_all(models["tiny"], [Refine(conditions=conditions, codes=codes[:, :1])])
    np.testing.assert_array_equal(codes, refined)


def test_seed_zero_is_a_seed(models, golden):
    """Fault 28: the reference takes seed 0 for the time of day."""
    request = Speak(conditions=golden("tiny", "ar_greedy").conditions(0), first=Autoregressive(8), seed=0)
    one, another = run_all(models["tiny"], [request, request])
    np.testing.assert_array_equal(one, another)


def test_demasking_steps_may_be_warm(models, golden):
    """Faults 11 and 29: temperature and other settings of demasking reach it, whatever their names begin with."""
    conditions = golden("tiny", "narlen_greedy").conditions(0)
    requests = [
        Speak(conditions=conditions, first=Demasking(4, temperature=warmth), rest=Levels(0), frames=20, seed=1)
        for warmth in (0.0, 5.0)
    ]
    cold, warm = run_all(models["tiny"], requests)
    assert not np.array_equal(cold, warm)
