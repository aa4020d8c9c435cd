"""How a row keeps its bits whatever shares a product with it, found out on the machine itself.

Matrix libraries choose their inner order by the number of rows. On most hardware the choice is settled from a few rows
on: then passes are padded up to that floor. Where it never is, products are cut into tiles of one fixed size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.layers import Linear

PROBED = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 128, 129, 257)
"""Numbers of rows that are tried."""
HIGHEST_FLOOR = 32
TILE = 256
"""Rows of a tile where no floor is found."""


@torch.inference_mode()
def settle_rows(model: LanguageModel) -> int:
    """Make a row's bits independent of its neighbours: set the model's row floor, or tiles. Returns the floor."""
    linears = _one_of_each_shape(model.linears())
    floor = max(row_floor(linear, model.dtype, model.device) for linear in linears)
    if floor > HIGHEST_FLOOR:
        for linear in model.linears():
            linear.tile = TILE
        floor = 1
    model.row_floor = floor
    return floor


def row_floor(linear: Linear, dtype: torch.dtype, device: torch.device) -> int:
    """Rows from which on every probed product gives a row the same bits, wherever it stands."""
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(PROBED[-1] + 1, linear.in_features, generator=generator).to(device=device, dtype=dtype)
    whole = linear(rows)
    differing = [count for count in PROBED if not _agrees(linear, rows, whole, count)]
    later = [count for count in PROBED if not differing or count > differing[-1]]
    return later[0] if later else HIGHEST_FLOOR + 1


def _agrees(linear: Linear, rows: Tensor, whole: Tensor, count: int) -> bool:
    starts = {0, 1, len(rows) - count}
    return all(torch.equal(linear(rows[start : start + count]), whole[start : start + count]) for start in starts)


def _one_of_each_shape(linears: Iterable[Linear]) -> list[Linear]:
    return list({(linear.in_features, linear.out_features): linear for linear in linears}.values())
