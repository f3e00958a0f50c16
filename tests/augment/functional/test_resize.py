"""Resizing equals torchvision's on each image alone, in every value."""

from __future__ import annotations

import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional

SIDES = st.integers(1, 96)


@given(batches(), st.tuples(SIDES, SIDES), st.integers(0, 2**32))
def test_resized_crop(images: Tensor, size: tuple[int, int], seed: int) -> None:
    before = images.clone()
    sides = torch.tensor(images.shape[2:])
    part = torch.rand(2, len(images), 2, generator=torch.Generator().manual_seed(seed))
    lengths = 1 + (part[0] * sides).long()
    corners = (part[1] * (sides - lengths + 1)).long()
    boxes = torch.cat([corners, lengths], dim=1)
    ours = functional.resized_crop(images, boxes, size=size)
    same(ours, one_by_one(lambda image, box: tv.resized_crop(image, *box, size=list(size)), images, boxes))
    same(images, before)


@given(batches(), st.tuples(SIDES, SIDES))
def test_resize(images: Tensor, size: tuple[int, int]) -> None:
    same(functional.resize(images, size), one_by_one(lambda image: tv.resize(image, list(size)), images))


def test_float_images() -> None:
    images = pictures(4, 12).float() / 255
    for size in ((20, 48), (64, 7)):
        theirs = one_by_one(lambda image, size=size: tv.resize(image, list(size)), images)
        torch.testing.assert_close(functional.resize(images, size), theirs, rtol=0, atol=1e-5)


def test_the_whole_image_at_its_size_is_the_image() -> None:
    images = pictures(5, 6, height=17, width=40)
    boxes = torch.tensor([[0, 0, 17, 40]]).expand(6, 4)
    same(functional.resized_crop(images, boxes, size=(17, 40)), images)
