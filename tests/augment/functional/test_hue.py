"""Hue equals torchvision's on each image alone, in every value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same, uniform
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional


@given(images=batches(), seed=st.integers(0, 2**32))
def test_hue(images: Tensor, seed: int) -> None:
    shifts = uniform(images, -0.5, 0.5, seed=seed)
    same(functional.adjust_hue(images, shifts), one_by_one(tv.adjust_hue, images, shifts))


def test_hue_of_every_colour_that_ties_or_touches_an_edge() -> None:
    levels = torch.tensor([0, 1, 2, 84, 127, 128, 253, 254, 255], dtype=torch.uint8)
    colors = torch.cartesian_prod(levels, levels, levels).T.reshape(3, 27, 27)
    images = colors.expand(9, -1, -1, -1).contiguous()
    shifts = torch.tensor([-0.5, -1 / 3, -1e-9, 0.0, 1e-9, 1 / 6, 0.25, 1 / 3, 0.5], dtype=torch.float64)
    same(functional.adjust_hue(images, shifts), one_by_one(tv.adjust_hue, images, shifts))


@pytest.mark.campaign
@pytest.mark.parametrize("shift", [-0.5, -0.137, 0.0, 1 / 3, 0.4999])
def test_hue_of_every_colour(shift: float, record: Callable[..., None]) -> None:
    level = torch.arange(256, dtype=torch.uint8)
    shifts = torch.full((16,), shift, dtype=torch.float64)
    for reds in level.split(16):  # type: ignore[no-untyped-call]
        images = torch.stack(torch.meshgrid(reds, level, level, indexing="ij"), dim=1)  # (16, 3, 256, 256)
        same(functional.adjust_hue(images, shifts), one_by_one(tv.adjust_hue, images, shifts))
    record(colours=256**3, differences=0)


def test_hue_of_float_images() -> None:
    images = pictures(3, 20).float() / 255
    shifts = uniform(images, -0.5, 0.5)
    theirs = one_by_one(tv.adjust_hue, images, shifts)
    torch.testing.assert_close(functional.adjust_hue(images, shifts), theirs, rtol=0, atol=2e-6)


def test_a_whole_turn_in_two_halves_is_within_rounding() -> None:
    images = pictures(4, 20).double() / 255
    half = torch.full((20,), 0.5, dtype=torch.float64)
    torch.testing.assert_close(functional.adjust_hue(functional.adjust_hue(images, half), half), images)
