from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses import FakeTensorMode

from cifarzoo.layers import winograd


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_the_best_tile_costs_least(height: int, width: int) -> None:
    def cost(tile: int) -> int:
        return -(-height // tile) * -(-width // tile) * (tile + 2) ** 2

    assert cost(winograd.best_tile(height, width)) == min(cost(tile) for tile in (2, 3, 4))


def test_a_whole_map_is_one_tile_where_it_can() -> None:
    assert [winograd.best_tile(side, side) for side in (2, 3, 4, 8, 16)] == [2, 3, 4, 4, 4]


BATCH, WEIGHT = torch.zeros(32, 128, 8, 8), torch.zeros(128, 128, 3, 3)


@pytest.mark.parametrize(
    ("images", "weight", "expected"),
    [
        (BATCH, WEIGHT, True),
        (torch.zeros(1, 128, 32, 32), WEIGHT, True),
        (torch.zeros(64, 128, 2, 2), WEIGHT, True),
        (torch.zeros(1, 128, 8, 8), WEIGHT, False),  # the filters' transform is not earned
        (torch.zeros(999, 128, 1, 1), WEIGHT, False),  # a tile of 2x2 for one pixel
        (torch.zeros(32, 64, 8, 8), torch.zeros(64, 64, 3, 3), False),
        (torch.zeros(32, 64, 8, 8), torch.zeros(256, 64, 3, 3), True),
        (BATCH.double(), WEIGHT.double(), False),
        (BATCH.bfloat16(), WEIGHT.bfloat16(), False),
        (BATCH.to("meta"), WEIGHT.to("meta"), False),
        (torch.zeros(0, 128, 8, 8), WEIGHT, False),
    ],
)
def test_when_it_pays(images: Tensor, weight: Tensor, expected: bool) -> None:
    assert winograd.pays(images, weight) is expected


@pytest.mark.parametrize("first", ["default device", "fake"])
def test_what_the_first_call_runs_under_does_not_stay(first: str) -> None:
    generator = torch.Generator().manual_seed(0)
    images, weight = torch.randn(2, 4, 6, 6, generator=generator), torch.randn(5, 4, 3, 3, generator=generator)
    winograd._transforms.cache_clear()
    if first == "fake":
        with FakeTensorMode() as mode:
            shape = winograd.convolve(mode.from_tensor(images), mode.from_tensor(weight), 3).shape
    else:
        with torch.device("meta"):
            shape = winograd.convolve(images, weight, 3).shape
    assert shape == (2, 5, 6, 6)
    wanted = torch.nn.functional.conv2d(images, weight, padding=1)
    torch.testing.assert_close(winograd.convolve(images, weight, 3), wanted, rtol=1e-4, atol=1e-4)
