"""How a row keeps its bits whatever shares a product with it, found out on the machine itself.

Matrix libraries choose their inner order by the number of rows. On most hardware the choice is settled from a few rows
on: then fewer are padded up to that floor. Where it never is, products are cut into tiles of one fixed size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.layers import Linear

PROBED = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 128, 129, 257)
"""Numbers of rows that are tried."""
HIGHEST_FLOOR = 32
TILE = 256
"""Rows of a tile where no floor is found."""


@torch.inference_mode()
def settle_rows(model: LanguageModel) -> None:
    """Make a row's bits independent of its neighbours: give every linear map the floor of its shape, or tiles."""
    floors: dict[tuple[int, int], int] = {}
    for linear in model.linears():
        shape = (linear.in_features, linear.out_features)
        linear.floor, linear.tile = 1, 0
        if shape not in floors:
            floors[shape] = row_floor(linear, model.dtype, model.device)
        settled = floors[shape] <= HIGHEST_FLOOR
        linear.floor, linear.tile = (floors[shape], 0) if settled else (1, TILE)


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
