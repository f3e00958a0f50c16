"""Boxes are erased and pasted where they are, and nowhere else."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional


def boxes_in(images: Tensor, seed: int) -> Tensor:
    sides = torch.tensor(images.shape[2:])
    ends = (torch.rand(2, len(images), 2, generator=torch.Generator().manual_seed(seed)) * (sides + 1)).long()
    return torch.cat([ends.amin(0), ends.amax(0)], dim=1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@given(images=batches(), seed=st.integers(0, 2**32))
def test_erase(dtype: torch.dtype, images: Tensor, seed: int) -> None:
    images, boxes = images.to(dtype), boxes_in(images, seed)
    before = images.clone()

    def erase(image: Tensor, box: list[int]) -> Tensor:
        top, left, bottom, right = box
        return tv.erase(image, top, left, bottom - top, right - left, v=torch.tensor(9, dtype=dtype))

    same(functional.erase(images, boxes, fill=9.0), one_by_one(erase, images, boxes))
    same(images, before)


@given(images=batches(), seed=st.integers(0, 2**32))
def test_paste_takes_each_pixel_from_one_of_the_two(images: Tensor, seed: int) -> None:
    boxes, others = boxes_in(images, seed), images.roll(1, 0)
    pasted = functional.paste(images, others, boxes)
    for result, image, other, (top, left, bottom, right) in zip(pasted, images, others, boxes.tolist(), strict=True):
        expected = image.clone()
        expected[:, top:bottom, left:right] = other[:, top:bottom, left:right]
        same(result, expected)


def test_area_of_the_mask() -> None:
    boxes = boxes_in(pictures(1, 50), 1)
    mask = functional.box_mask(boxes, height=32, width=32)
    assert mask.shape == (50, 1, 32, 32)
    same(mask.sum((1, 2, 3)), (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
