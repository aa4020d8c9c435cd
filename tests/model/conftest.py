"""The reference's numbers and tiny checkpoints, which lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.language_model import LanguageModel, Pass
from valle_engine.model.requests import Conditions
from valle_engine.model.sequences import Inputs

torch.set_num_threads(1)


class Golden:
    """One recorded run of the reference."""

    def __init__(self, folder: Path, profile: str, name: str) -> None:
        path = folder / profile / name
        self.profile, self.name = profile, name
        self.settings = json.loads(path.with_suffix(".json").read_text())
        self.arrays = dict(np.load(path.with_suffix(".npz")))
        self.calls = self.settings["calls"]
        self.items = range(len(self.calls[0]["segs"]))

    def __getitem__(self, key):
        return self.arrays[key]

    def given(self, call: int, item: int, segment: str):
        return self.arrays.get(f"call{call}.b{item}.in.{segment}")

    def prompt(self, call: int, item: int):
        """A voice's codes, a tuple with task tokens in between, or None."""
        parts = dict(self.settings["list_inputs"][f"call{call}.b{item}"]).get("prom")
        if parts is None:
            return self.given(call, item, "prom")
        return tuple(
            self.given(call, item, f"prom.{index}") if part == "tensor" else part for index, part in enumerate(parts)
        )

    def task(self, item: int) -> str:
        return self.calls[0]["levels"][item]["task"]

    def conditions(self, item: int, **changed) -> Conditions:
        """What the first call of an item was conditioned on, without the text that the task itself writes."""
        task = self.task(item)
        given = {
            "phonemes": None if task in ("stt", "phn") else self.given(0, item, "phn"),
            "text": None if task == "un-phn" else self.given(0, item, "text"),
            "language": int(self.given(0, item, "lang")[0]),
            "prompt": self.prompt(0, item),
        }
        return Conditions(task=task, **(given | changed))

    def inputs(self, call: int, item: int) -> Inputs:
        """Exactly what a call was given."""
        level = self.calls[call]["levels"][item]
        prompt = self.prompt(call, item)
        if isinstance(prompt, np.ndarray):
            prompt = (prompt if prompt.ndim == 2 else prompt[:, None],)
        return Inputs(
            task=level["task"],
            phonemes=tensor(self.given(call, item, "phn")),
            text=tensor(self.given(call, item, "text")),
            language=int(self.given(call, item, "lang")[0]),
            prompt=None if prompt is None else tuple(p if isinstance(p, str) else tensor(p) for p in prompt),
            response=tensor(self.given(call, item, "resp")),
            length=tensor(self.given(call, item, "len")),
            level=int(self.given(call, item, "quant_level")[0]),
            masked=level["classifier_level"] == "NAR:0:0",
        )


def tensor(ids):
    return None if ids is None else torch.from_numpy(np.asarray(ids)).long()


def whole_pass(model: LanguageModel, inputs: Inputs) -> Pass:
    """A pass that asks for the logits of every place."""
    embedded = model.embed(inputs)
    plan = embedded.plan
    rows = len(embedded.embeddings)
    return Pass(embedded.embeddings, plan.positions(), plan.head, rows, plan.causal, embedded.level)


@pytest.fixture(scope="session")
def golden(reference):
    return lambda profile, name: Golden(reference / "golden", profile, name)


@pytest.fixture(scope="session")
def checkpoint_path(reference):
    return lambda profile: reference / "ckpt" / f"{profile}-ar+nar-len-llama-8.sft"


@pytest.fixture
def fresh_model(checkpoint_path):
    return lambda profile="tiny", dtype=None: read_checkpoint(checkpoint_path(profile)).model(dtype)


@pytest.fixture(scope="session")
def models(checkpoint_path):
    """Models to read from; a test that changes one takes `fresh_model`."""
    return {profile: read_checkpoint(checkpoint_path(profile)).model() for profile in ("tiny", "tiny-v6")}


@pytest.fixture(scope="session")
def see_whole():
    return whole_pass
