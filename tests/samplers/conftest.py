import json

import numpy as np
import pytest
import torch


class Golden:
    """Arrays and settings of the released format's samplers on fixed logits."""

    def __init__(self, folder):
        self.arrays = np.load(folder / "samplers.npz")
        self.settings = json.loads((folder / "samplers.json").read_text())

    def __getitem__(self, name):
        return torch.from_numpy(self.arrays[name])


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def golden(reference):
    return Golden(reference / "golden")


@pytest.fixture(scope="session")
def apply():
    """Run one sampler on logits (rows, vocabulary), with new states and, unless given, empty histories."""

    def run(sampler, logits, history=None):
        states = [sampler.new_state() for _ in logits]
        return sampler(logits, history or [torch.zeros(0, dtype=torch.int64)] * len(logits), states)

    return run
