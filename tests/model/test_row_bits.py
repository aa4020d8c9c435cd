"""The probe that settles how a row keeps its bits, and the two ways it is done."""

import pytest
import torch

from valle_engine.model import sameness
from valle_engine.model.engine import prepare
from valle_engine.model.layers import Linear
from valle_engine.model.sameness import HIGHEST_FLOOR, TILE, row_floor, settle_rows


class Fickle(Linear):
    """Maps nothing to nothing, but with other bits below a number of rows."""

    def __init__(self, steady_from):
        super().__init__(4, 4, bias=False)
        self._steady_from = steady_from

    def forward(self, x):
        return x + (1e-3 if len(x) < self._steady_from else 0.0)


@pytest.mark.parametrize(("steady_from", "floor"), [(0, 1), (3, 3), (16, 16), (17, 17)])
def test_the_floor_is_where_bits_settle(steady_from, floor):
    assert row_floor(Fickle(steady_from), torch.float32, torch.device("cpu")) == floor


def test_a_map_that_never_settles_has_no_floor(monkeypatch):
    monkeypatch.setattr(sameness, "_agrees", lambda *_: False)
    assert row_floor(Fickle(0), torch.float32, torch.device("cpu")) > HIGHEST_FLOOR


def test_without_a_floor_products_are_tiled(fresh_model, monkeypatch):
    monkeypatch.setattr(sameness, "row_floor", lambda *_: HIGHEST_FLOOR + 1)
    model = fresh_model()
    settle_rows(model)
    assert {(linear.floor, linear.tile) for linear in model.linears()} == {(1, TILE)}


def test_a_tiled_map_maps_the_same():
    torch.manual_seed(0)
    linear, rows = Linear(8, 5), torch.randn(11, 8)
    expected = linear(rows)
    linear.tile = 4
    torch.testing.assert_close(linear(rows), expected)
    assert torch.equal(linear(rows[4:5]), linear(rows[4:8])[:1])


def test_fewer_rows_than_the_floor_are_padded():
    torch.manual_seed(0)
    linear, rows = Linear(8, 5), torch.randn(11, 8)
    linear.floor = 4
    assert torch.equal(linear(rows[:1]), linear(torch.cat([rows[:1], torch.zeros(3, 8)]))[:1])
    assert linear(rows).shape == (11, 5)


def test_the_floor_of_a_shape_is_that_of_all_its_maps(fresh_model, monkeypatch):
    monkeypatch.setattr(sameness, "row_floor", lambda linear, *_: 7 if linear.out_features == 11 else 2)
    model = fresh_model()
    settle_rows(model)
    assert {linear.floor for linear in model.linears() if linear.out_features == 11} == {7}
    assert {linear.floor for linear in model.linears() if linear.out_features != 11} == {2}


def test_preparing_twice_is_preparing_once(fresh_model):
    model = fresh_model()
    prepare(model)
    settled = [(linear.packed, linear.floor, linear.tile) for linear in model.linears()]
    for linear in model.linears():
        linear.floor = 9
    prepare(model)
    assert all(
        linear.packed is packed and (linear.floor, linear.tile) == (floor, tile)
        for linear, (packed, floor, tile) in zip(model.linears(), settled, strict=True)
    )
