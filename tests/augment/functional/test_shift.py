"""Flips and shifts move pixels as torchvision moves those of one image."""

from __future__ import annotations

import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional


@given(batches(), st.integers(0, 2**32))
def test_flip(images: Tensor, seed: int) -> None:
    mask = torch.rand(len(images), generator=torch.Generator().manual_seed(seed)) < 0.5
    before = images.clone()
    flipped = functional.flip_horizontal(images, mask)
    same(flipped, one_by_one(lambda image, flip: tv.horizontal_flip(image) if flip else image, images, mask))
    same(functional.flip_horizontal(flipped, mask), images)
    assert flipped.stride() == images.stride()
    same(images, before)


@given(batches(), st.data())
def test_crop(images: Tensor, data: st.DataObject) -> None:
    height, width = images.shape[2:]
    mode = data.draw(st.sampled_from(("zero", "reflect")))
    padding = data.draw(st.integers(0, 6 if mode == "zero" else min(6, height - 1, width - 1)))
    size = data.draw(st.integers(1, height + 2 * padding)), data.draw(st.integers(1, width + 2 * padding))
    seed = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    spare = torch.tensor([height + 2 * padding - size[0] + 1, width + 2 * padding - size[1] + 1])
    corner = (torch.rand(len(images), 2, generator=seed) * spare).long()
    corner[0], corner[-1] = 0, spare - 1

    def cut(image: Tensor, corner: list[int]) -> Tensor:
        padded = tv.pad(image, [padding] * 4, padding_mode="constant" if mode == "zero" else "reflect")
        return tv.crop(padded, *corner, *size)

    cropped = functional.crop(images, corner, size=size, padding_px=padding, mode=mode)
    same(cropped, one_by_one(cut, images, corner))


@given(st.integers(0, 5), st.integers(0, 2**32))
def test_translate_and_back_keeps_what_stayed_inside(reach: int, seed: int) -> None:
    images = pictures(seed, 9)
    shift = torch.randint(-reach, reach + 1, (9, 2), generator=torch.Generator().manual_seed(seed))
    there = functional.translate(images, shift, max_px=reach)
    back = functional.translate(there, -shift, max_px=reach)
    inside = slice(reach, 32 - reach)
    same(back[:, :, inside, inside], images[:, :, inside, inside])
    for image, moved, (down, right) in zip(images, there, shift.tolist(), strict=True):
        same(
            moved[:, max(0, down) : 32 + min(0, down), max(0, right) : 32 + min(0, right)],
            image[:, max(0, -down) : 32 + min(0, -down), max(0, -right) : 32 + min(0, -right)],
        )


def test_float_images_and_other_layouts_move_alike() -> None:
    images = pictures(1, 8)
    corner = torch.randint(0, 9, (8, 2), generator=torch.Generator().manual_seed(1))
    cropped = functional.crop(images, corner, size=(32, 32), padding_px=4)
    same(functional.crop(images.double(), corner, size=(32, 32), padding_px=4), cropped.double())
    sliced = torch.cat([images, images], dim=3)[..., ::2]
    same(
        functional.crop(sliced, corner, size=(32, 32), padding_px=4),
        functional.crop(sliced.contiguous(), corner, size=(32, 32), padding_px=4),
    )
    mask, turned = torch.arange(8) % 3 == 0, images.transpose(2, 3)
    for other in (sliced, turned, images.double()):
        same(functional.flip_horizontal(other, mask), torch.where(mask[:, None, None, None], other.flip(-1), other))


def test_no_images_at_all() -> None:
    images, nothing = pictures(1, 1)[:0], torch.zeros(0, 2, dtype=torch.int64)
    assert functional.crop(images, nothing, size=(30, 28), padding_px=2, mode="reflect").shape == (0, 3, 30, 28)
    assert functional.flip_horizontal(images, nothing[:, 0] > 0).shape == images.shape
