"""The probe that settles how a row keeps its bits, and the two ways it is done."""

import numpy as np
import pytest
import torch

from valle_engine.model import sameness
from valle_engine.model.engine import prepare, run_all
from valle_engine.model.layers import Linear
from valle_engine.model.parallel import Levels
from valle_engine.model.requests import Conditions, Refine
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
    assert settle_rows(model) == 1
    assert {linear.tile for linear in model.linears()} == {TILE}


def test_a_tiled_map_maps_the_same():
    torch.manual_seed(0)
    linear, rows = Linear(8, 5), torch.randn(11, 8)
    expected = linear(rows)
    linear.tile = 4
    torch.testing.assert_close(linear(rows), expected)
    assert torch.equal(linear(rows[4:5]), linear(rows[4:8])[:1])


def test_short_passes_are_padded_to_the_floor_and_keep_their_result(fresh_model):
    model = fresh_model()
    codes = np.arange(5)[:, None]
    request = Refine(conditions=Conditions(phonemes=np.array([1, 9, 2])), codes=codes, options=Levels(2))
    expected = run_all(model, [request])[0]
    model.row_floor = 300
    np.testing.assert_array_equal(run_all(model, [request])[0], expected)


def test_preparing_twice_is_preparing_once(fresh_model):
    model = fresh_model()
    prepare(model)
    prepare(model)
    assert all(linear.packed is not None for linear in model.linears())
