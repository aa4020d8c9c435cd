"""The probe that settles how a row keeps its bits, and the two ways it is done."""

import pytest
import torch

from valle_engine.model import sameness
from valle_engine.model.engine import prepare
from valle_engine.model.layers import Linear
from valle_engine.model.sameness import HIGHEST_FLOOR, PROBED, TILE, row_floor, sensitive_twin, settle_rows

ROWS = torch.randn(PROBED[-1] + 1, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("steady_from", "floor"), [(0, 1), (3, 3), (16, 16), (17, 17)])
def test_the_floor_is_where_bits_settle(steady_from, floor):
    assert row_floor(lambda rows: rows + (1e-3 if len(rows) < steady_from else 0.0), ROWS) == floor


def test_a_map_that_never_settles_has_no_floor():
    assert row_floor(lambda rows: rows + len(rows), ROWS) > HIGHEST_FLOOR


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(64, 11), (64, 1025), (63, 7)])
def test_a_twin_shows_the_order_of_adding(dtype, shape):
    """Its results are nothing but rounding, so that adding in two parts gives many others."""
    twin, rows = sensitive_twin(Linear(*shape), dtype, torch.device("cpu"))
    with torch.no_grad():
        whole = twin(rows[:64])
        halves = (rows[:64, ::2].float() @ twin.weight[:, ::2].float().T) + (
            rows[:64, 1::2].float() @ twin.weight[:, 1::2].float().T
        )
    assert whole.float().abs().max() < 1e-3
    # A processor that emulates bfloat16 adds in float32: seen were 5 %, where common numbers show none.
    assert (halves.to(dtype) != whole).float().mean() > 0.02


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
    monkeypatch.setattr(sameness, "row_floor", lambda twin, _: 7 if twin.out_features == 11 else 2)
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
