"""Operations on the distribution of values equal torchvision's on each image alone, in every value."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same, uniform
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional


@pytest.mark.parametrize("name", ["autocontrast", "equalize", "invert"])
@given(images=batches())
def test_without_parameter(name: str, images: Tensor) -> None:
    before = images.clone()
    same(getattr(functional, name)(images), one_by_one(getattr(tv, name), images))
    same(images, before)


@given(batches(), st.integers(0, 2**32))
def test_posterize(images: Tensor, seed: int) -> None:
    bits = torch.randint(0, 9, (len(images),), generator=torch.Generator().manual_seed(seed))
    same(functional.posterize(images, bits), one_by_one(tv.posterize, images, bits))


@given(batches(), st.integers(0, 2**32))
def test_solarize(images: Tensor, seed: int) -> None:
    thresholds = uniform(images, 0.0, 255.0, seed=seed)
    thresholds[::2] = thresholds[::2].round()
    same(functional.solarize(images, thresholds), one_by_one(tv.solarize, images, thresholds))


@given(batches(), st.integers(0, 2**32))
def test_sharpness(images: Tensor, seed: int) -> None:
    factors = uniform(images, 0.0, 3.0, seed=seed)
    same(functional.adjust_sharpness(images, factors), one_by_one(tv.adjust_sharpness, images, factors))


@given(batches())
def test_laws(images: Tensor) -> None:
    same(functional.invert(functional.invert(images)), images)
    same(functional.posterize(images, torch.full((len(images),), 8)), images)
    same(functional.autocontrast(functional.autocontrast(images)), functional.autocontrast(images))


@pytest.mark.parametrize("name", ["autocontrast", "equalize", "invert"])
def test_float_images_without_parameter(name: str) -> None:
    images = pictures(5, 20).float() / 255
    torch.testing.assert_close(getattr(functional, name)(images), one_by_one(getattr(tv, name), images))


def test_float_images() -> None:
    images = pictures(6, 20).float() / 255
    bits, thresholds, factors = torch.arange(20) % 9, uniform(images, 0.0, 1.0), uniform(images, 0.0, 2.0)
    same(functional.posterize(images, bits), one_by_one(tv.posterize, images, bits))
    same(functional.solarize(images, thresholds), one_by_one(tv.solarize, images, thresholds))
    theirs = one_by_one(tv.adjust_sharpness, images, factors)
    torch.testing.assert_close(functional.adjust_sharpness(images, factors), theirs, rtol=0, atol=1e-6)
