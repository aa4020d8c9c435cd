"""Whole runs of the reference, token by token, each under settings of ours that mean the same."""

import numpy as np
import pytest

from valle_engine.model.autoregressive import Autoregressive
from valle_engine.model.engine import prepare, run_all
from valle_engine.model.guidance import Guidance
from valle_engine.model.parallel import Demasking, Levels
from valle_engine.model.requests import Context, Measure, Refine, Speak, Write

FIRST_ONLY = Levels(last=0)
AS_RELEASED = Guidance(2.5, 0.75)


def speak_in_steps(run, item, *, guidance=None, lead=(), **changed):
    options = Autoregressive(run.settings["max_duration"], None, guidance, lead)
    return Speak(conditions=run.conditions(item, **changed), first=options, rest=FIRST_ONLY)


def speak_by_demasking(run, item, *, guidance=AS_RELEASED, last=0, **options):
    demasking = Demasking(run.settings["max_steps"], None, guidance=guidance, **options)
    frames = len(run.given(0, item, "resp"))
    return Speak(conditions=run.conditions(item), first=demasking, rest=Levels(last), frames=frames)


def write(run, item):
    heard = run.given(0, item, "resp")
    return Write(
        conditions=run.conditions(item), codes=heard, options=Autoregressive(run.settings["max_duration"], None)
    )


@pytest.mark.parametrize("prepared", [False, True], ids=["plain", "prepared"])
@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("tiny", "ar_greedy"),
        ("tiny", "ar_greedy_batch3"),
        ("tiny", "ar_noprom"),
        ("tiny", "ar_rawtext"),
        ("tiny", "ns_ar_greedy"),
        ("tiny", "sr_ar_greedy"),
        ("tiny", "tse_ar_step"),
        ("tiny", "cse_ar_step"),
        ("tiny", "nse_ar_step"),
        ("tiny", "tts-c_ar_step"),
        ("tiny-v6", "ar_greedy"),
        ("tiny-v6", "ar_rawtext"),
    ],
)
def test_speech_in_steps(fresh_model, golden, profile, name, prepared):
    run, model = golden(profile, name), fresh_model(profile)
    if prepared:
        prepare(model)
    for item, codes in enumerate(run_all(model, [speak_in_steps(run, item) for item in run.items])):
        np.testing.assert_array_equal(codes[:, 0], run[f"result.{item}"])


def test_guided_steps(models, golden):
    run = golden("tiny", "ar_greedy_cfg")
    [codes] = run_all(models["tiny"], [speak_in_steps(run, 0, guidance=Guidance(2.0, 0.75))])
    np.testing.assert_array_equal(codes[:, 0], run["result.0"])


def test_silence_may_lead(models, golden):
    run = golden("tiny", "ar_prefix_silence")
    [codes] = run_all(models["tiny"], [speak_in_steps(run, 0, lead=(62,) * 7)])
    np.testing.assert_array_equal(codes[:, 0], run["result.0"])


def test_a_prompt_may_be_continued(models, golden):
    run = golden("tiny", "ar_input_prompt_prefix")
    prompt = golden("tiny", "ar_greedy").prompt(0, 0)
    np.testing.assert_array_equal(prompt[:, 0], run.given(0, 0, "resp"))
    options = Autoregressive(run.settings["max_duration"], None)
    conditions = run.conditions(0, prompt=prompt)
    request = Speak(conditions=conditions, first=options, rest=FIRST_ONLY, continue_prompt=True)
    np.testing.assert_array_equal(run_all(models["tiny"], [request])[0][:, 0], run["result.0"])


@pytest.mark.parametrize("name", ["ar_prefix_context", "narlen_prefix_context"])
def test_what_was_spoken_before_is_context(models, golden, name):
    run = golden("tiny", name)
    line = golden("tiny", "ar_greedy").given(0, 0, "phn")
    joined, end = run.given(0, 0, "phn"), line[-1:]
    before = np.concatenate([joined[: len(joined) - len(line) + 1], end])
    frames = 20
    context = Context(phonemes=before, codes=run.given(0, 0, "resp")[:frames, None])
    conditions = run.conditions(0, phonemes=line)
    first = Autoregressive(8, None) if name.startswith("ar") else Demasking(10, None, guidance=AS_RELEASED)
    request = Speak(conditions=conditions, first=first, rest=FIRST_ONLY, frames=30, context=context)
    np.testing.assert_array_equal(run_all(models["tiny"], [request])[0][:, 0], run["result.0"])


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("tiny", "stt_headpatched_greedy"),
        ("tiny", "phn_headpatched_greedy"),
        ("tiny-v6", "phn_headpatched_greedy"),
        ("tiny-v6", "unphn_greedy"),
    ],
)
def test_text(models, golden, profile, name):
    run = golden(profile, name)
    np.testing.assert_array_equal(run_all(models[profile], [write(run, 0)])[0], run["result.0"])


def test_duration(models, golden):
    run = golden("tiny", "len")
    assert run_all(models["tiny"], [Measure(conditions=run.conditions(0))]) == [int(run["result.0"])]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nar_greedy", {}),
        ("nar_greedy_batch2", {}),
        ("nar_greedy_cfg", {"guidance": Guidance(2.0, 0.7)}),
        ("nar_greedy_maxlevels3", {"last": 3}),
    ],
)
def test_levels(models, golden, name, options):
    run = golden("tiny", name)
    requests = [
        Refine(conditions=run.conditions(item), codes=run.given(0, item, "resp"), options=Levels(**options))
        for item in run.items
    ]
    for item, codes in enumerate(run_all(models["tiny"], requests)):
        np.testing.assert_array_equal(codes, run[f"result.{item}"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("narlen_greedy_topno0", {}),
        ("narlen_batch2", {}),
        ("narlen_greedy_cfg3_norescale", {"guidance": Guidance(3.0, 0.0)}),
        ("narlen_greedy_maskedonly_remask", {"masked_only": True, "remask": True}),
        ("sr_narlen_greedy", {}),
        ("narlen_greedy_nocfg", {"guidance": None}),
    ],
)
def test_demasking(models, golden, name, options):
    run = golden("tiny", name)
    results = run_all(models["tiny"], [speak_by_demasking(run, item, **options) for item in run.items])
    for item, codes in enumerate(results):
        np.testing.assert_array_equal(codes[:, 0], run[f"result.{item}"])


def test_demasking_and_all_levels(models, golden):
    run = golden("tiny", "narlen_full_greedy")
    [codes] = run_all(models["tiny"], [speak_by_demasking(run, 0, last=7)])
    np.testing.assert_array_equal(codes, run["result.0"])
