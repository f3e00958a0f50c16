"""Rows are taken and put back in either layout, whatever their size."""

from __future__ import annotations

import torch
from augment_pictures import batches, pictures, same
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment.functional.layout import (
    from_planes,
    full_scale,
    is_channels_last,
    laid_out_like,
    planes,
    put,
    take,
)


@given(batches(), st.integers(0, 2**32))
def test_take_and_put(images: Tensor, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(images), generator=source)[: len(images) // 2 + 1]
    taken = take(images, rows)
    same(taken, images[rows])
    assert is_channels_last(taken) == is_channels_last(images)
    ours, wanted = images.clone(), images.clone()
    put(ours, rows, taken.bitwise_not().contiguous())
    wanted[rows] = taken.bitwise_not()
    same(ours, wanted)


def test_put_into_neither_layout() -> None:
    images = pictures(1, 4, 3, 8, 6).transpose(2, 3)  # (4, 3, 6, 8), columns lie together
    rows, values = torch.tensor([2, 0]), pictures(2, 2, 3, 6, 8)
    wanted = images.clone()
    wanted[rows] = values
    put(images, rows, values)
    same(images, wanted)


@given(batches(most=4))
def test_planes(images: Tensor) -> None:
    pixels = planes(images)
    assert pixels.data_ptr() == images.data_ptr() and pixels.is_contiguous()
    same(from_planes(pixels, channels_last=is_channels_last(images)), images)
    same(laid_out_like(images.contiguous(), images), images)


def test_full_scale() -> None:
    assert full_scale(torch.zeros(1, dtype=torch.uint8)) == 255.0
    assert full_scale(torch.zeros(1)) == 1.0
