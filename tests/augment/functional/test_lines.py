"""Lines hold the values of an image, and whole vectors of them."""

from __future__ import annotations

import torch
from augment_pictures import batches, same
from hypothesis import given
from torch import Tensor

from cifarzoo.augment.functional.lines import as_float, each, from_lines, spread, to_lines, to_uint8


@given(batches())
def test_there_and_back(images: Tensor) -> None:
    lines = to_lines(images)
    assert lines.shape[2] % 16 == 0 and lines.shape[2] - images[0, 0].numel() < 16
    back = from_lines(lines, images)
    same(back, images)
    assert back.stride() == images.stride() or images.shape[1] == 1


def test_values_are_clamped_and_cut() -> None:
    image = torch.zeros(1, 1, 1, 4, dtype=torch.uint8)
    lines = torch.tensor([[[-3.0, 0.99, 254.999, 300.0]]])
    assert from_lines(lines, image).flatten().tolist() == [0, 0, 254, 255]
    assert to_uint8(torch.tensor([0.0, 127.9, 255.9])).tolist() == [0, 127, 255]


def test_a_float_copy_is_a_copy() -> None:
    images = torch.rand(2, 3, 4, 4)
    assert as_float(images).data_ptr() != images.data_ptr()
    assert as_float(images.double()).dtype == torch.float64


def test_factors() -> None:
    lines, factors = torch.zeros(2, 3, 16), torch.tensor([0.5, 2.0], dtype=torch.float64)
    assert each(factors, lines).shape == (2, 1, 1) and each(factors, lines).dtype == torch.float32
    assert spread(factors, lines).is_contiguous() and spread(factors, lines)[1, 0].tolist() == [2.0] * 16
