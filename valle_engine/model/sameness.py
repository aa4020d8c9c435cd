"""How a row keeps its bits whatever shares a product with it, found out on the machine itself.

Matrix libraries choose their inner order by the number of rows. On most hardware the choice is settled from a few rows
on: then fewer are padded up to that floor. Where it never is, products are cut into tiles of one fixed size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from valle_engine.model.layers import Linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from valle_engine.model.language_model import LanguageModel

PROBED = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 128, 129, 257, 600)
"""Numbers of rows that are tried."""
STARTS = 4
"""Places at which each number of rows is tried, at most."""
HIGHEST_FLOOR = 32
TILE = 256
"""Rows of a tile where no floor is found."""


@torch.inference_mode()
def settle_rows(model: LanguageModel) -> None:
    """Make a row's bits independent of its neighbours: give every linear map the floor of its shape, or tiles."""
    floors: dict[tuple[int, int], int] = {}
    for linear in model.linears():
        shape = (linear.in_features, linear.out_features)
        if shape not in floors:
            floors[shape] = row_floor(*sensitive_twin(linear, model.dtype, model.device))
        settled = floors[shape] <= HIGHEST_FLOOR
        linear.floor, linear.tile = (floors[shape], 0) if settled else (1, TILE)


@torch.no_grad()
def sensitive_twin(linear: Linear, dtype: torch.dtype, device: torch.device) -> tuple[Linear, Tensor]:
    """A map of the same shape, and rows for it, whose products cancel to zero but for the order of their rounding.

    With common numbers, bfloat16 hides another order in all but one of thousands of results.
    """
    generator = torch.Generator().manual_seed(1)
    size, half = linear.in_features, linear.in_features // 2
    order = torch.randperm(2 * half, generator=generator)
    weight, rows = torch.zeros(linear.out_features, size), torch.zeros(PROBED[-1] + STARTS, size)
    values = torch.randn(linear.out_features, half, generator=generator)
    shares = torch.randn(len(rows), half, generator=generator)
    weight[:, order], rows[:, order] = torch.cat([values, values], 1), torch.cat([shares, -shares], 1)
    twin = Linear(size, linear.out_features, bias=linear.bias is not None, device=device, dtype=dtype)
    twin.weight = nn.Parameter(weight.to(device=device, dtype=dtype), requires_grad=False)
    if twin.bias is not None:
        twin.bias.zero_()
    if linear.packed is not None:
        twin.pack()
    return twin, rows.to(device=device, dtype=dtype)


def row_floor(mapping: Callable[[Tensor], Tensor], rows: Tensor) -> int:
    """Rows from which on every probed product gives a row (one of `rows`) the same bits, wherever it stands."""
    whole = mapping(rows)
    differing = [count for count in PROBED if not _agrees(mapping, rows, whole, count)]
    later = [count for count in PROBED if not differing or count > differing[-1]]
    return later[0] if later else HIGHEST_FLOOR + 1


def _agrees(mapping: Callable[[Tensor], Tensor], rows: Tensor, whole: Tensor, count: int) -> bool:
    starts = range(0, len(rows) - count + 1, max(1, (len(rows) - count) // (STARTS - 1)))
    return all(torch.equal(mapping(rows[start : start + count]), whole[start : start + count]) for start in starts)
