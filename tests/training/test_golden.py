"""Losses and gradients of the reference, from the same weights and inputs."""

import json

import numpy as np
import pytest
import torch

from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.sequences import Inputs
from valle_engine.training.collation import collate
from valle_engine.training.learner import Learner
from valle_engine.training.lessons import IGNORED, Lesson

# Left out, because the reference is not sound there:
# - `stt_as_is` reads text from the hidden states, because its head's name is misspelt; `stt_headpatched` is mended.
# - `batch_mixed_…` lets rows that see everything see padding too; its two rows are compared one by one below.
# - of `ns_ar` the prompt was not recorded.
# - `*_all_segments` and `*_loss_factors` count the given segments too, or leave each first target out: other losses.
CASES = [
    "tts_ar",
    "tts_nar1",
    "tts_nar4",
    "tts_nar7",
    "tts_narlen",
    "len",
    "stt_headpatched",
    "batch_causal_only",
    "batch_noncausal_only_padded",
]
LEFT_OUT = {
    "ns_ar",
    "stt_as_is",
    "batch_mixed_causal_noncausal_padded",
    "tts_ar_all_segments",
    "tts_ar_loss_factors",
    "tts_ar_loss_factors_all_segments",
}


class Recorded:
    def __init__(self, folder):
        self.cases = json.loads((folder / "training.json").read_text())
        self.arrays = np.load(folder / "training.npz")

    def lessons(self, name):
        return [self.lesson(name, item) for item in range(len(self.cases[name]["segs"]))]

    def lesson(self, name, item):
        case = self.cases[name]
        task, level = dict(case["segs"][item])["task"], case["quant_levels"][item]
        given = {key: self.given(name, item, key) for key in ("phn", "prom", "resp", "len", "dropout_mask")}
        prompt = None if given["prom"] is None else (given["prom"],)
        inputs = {"task": task, "language": int(self.given(name, item, "lang")[0]), "level": level, "prompt": prompt}
        inputs["phonemes"] = given["phn"]
        codes = given["resp"]
        if task == "stt":
            return Lesson(Inputs(**(inputs | {"response": codes, "phonemes": given["phn"][:-1]})), given["phn"])
        if task == "len":
            return Lesson(Inputs(**inputs, length=given["len"][:-1]), given["len"])
        if given["dropout_mask"] is not None:
            hidden = given["dropout_mask"].bool()
            shown = codes[:, 0].masked_fill(hidden, 1024)
            return Lesson(Inputs(**inputs, response=shown, masked=True), codes[:, 0].masked_fill(~hidden, IGNORED))
        if level:
            return Lesson(Inputs(**inputs, response=codes[:, :level]), codes[:, level])
        return Lesson(Inputs(**inputs, response=codes[:-1, 0]), codes[:, 0])

    def given(self, name, item, key):
        found = self.arrays.get(f"{name}.b{item}.{key}")
        return None if found is None else torch.from_numpy(found.astype(np.int64))


@pytest.fixture(scope="module")
def recorded(reference):
    return Recorded(reference / "golden")


@pytest.fixture
def learner(reference):
    model = read_checkpoint(reference / "ckpt" / "tiny-ar+nar-len-llama-8.sft").model()
    return Learner(model.requires_grad_(True))


def test_every_recorded_loss_is_compared_or_left_out_with_a_reason(recorded):
    assert recorded.cases.keys() == set(CASES) | LEFT_OUT


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients_equal_the_reference(recorded, learner, name):
    losses = learner(collate(recorded.lessons(name), learner.model.config))
    losses.total.backward()
    case = recorded.cases[name]
    assert losses.total.item() == pytest.approx(case["loss"]["nll"], abs=2e-5)
    for key, length in case["grad_norms"].items():
        gradient = learner.model.get_parameter(key).grad
        assert gradient.norm().item() == pytest.approx(length, rel=2e-4, abs=1e-6), key


def test_rows_of_a_mixed_batch_are_what_they_are_alone(recorded, learner):
    lessons = recorded.lessons("batch_mixed_causal_noncausal_padded")
    config = learner.model.config
    alone = [learner(collate([lesson], config)).total.item() for lesson in lessons]
    together = learner(collate(lessons, config)).lessons.tolist()
    assert together == pytest.approx(alone, abs=1e-5)
    assert alone[0] == pytest.approx(recorded.cases["tts_ar"]["loss"]["nll"], abs=2e-5)
