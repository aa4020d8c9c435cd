"""Muon: orthogonal updates, the same in any company, kept in a checkpoint."""

import pytest
import torch

from valle_engine.training.muon import Muon, orthogonal
from valle_engine.training.optimising import Learning
from valle_engine.training.options import Optimiser


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 12, 40), (2, 40, 12)])
def test_singular_values_are_drawn_towards_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_directions_are_those_of_the_matrix():
    matrix = torch.randn(12, 40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.mT @ orthogonal(matrix[None])[0] @ right.mT
    assert torch.allclose(turned, turned.diag().diag(), atol=1e-9)


def test_an_update_is_as_long_as_one_of_adamw():
    weight = torch.nn.Parameter(torch.zeros(64, 256))
    weight.grad = torch.randn(64, 256, generator=torch.Generator().manual_seed(3))
    Muon([weight], lr=0.01, weight_decay=0.0).step()
    assert weight.detach().square().mean().sqrt().item() == pytest.approx(0.01 * 0.2, rel=0.25)


def test_weights_decay_apart_from_the_gradient():
    weight = torch.nn.Parameter(torch.ones(4, 4))
    weight.grad = torch.zeros(4, 4)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(weight.detach(), torch.full((4, 4), 0.95))


def test_vectors_are_refused():
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(4))], lr=0.1, weight_decay=0.0)


def test_it_moves_the_matrices_of_the_layers_and_adamw_all_else(learner):
    learning = Learning(learner, Optimiser(kind="muon"), 10, torch.float32)
    adam, muon = learning.state()["optimisers"]
    count = sum(1 for _ in learner.parameters())
    moved = len(muon["param_groups"][0]["params"])
    assert moved == 7 * learner.model.config.layers
    assert moved + len(adam["param_groups"][0]["params"]) == count
