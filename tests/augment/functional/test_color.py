"""Colour operations equal torchvision's on each image alone, in every value."""

from __future__ import annotations

import itertools

import pytest
import torch
import torchvision.transforms.v2 as transforms
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same, same_but_for_line_ends, uniform, whole_vectors
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.functional.color import _SCHEDULE

FACTORS = ("adjust_brightness", "adjust_contrast", "adjust_saturation")


@pytest.mark.parametrize("name", FACTORS)
@given(images=batches(), seed=st.integers(0, 2**32), strength=st.sampled_from((1.0, 2.0, 40.0)))
def test_factor(name: str, images: Tensor, seed: int, strength: float) -> None:
    before = images.clone()
    factors = uniform(images, 0.0, strength, seed=seed)
    ours = getattr(functional, name)(images, factors)
    same_but_for_line_ends(ours, one_by_one(getattr(tv, name), images, factors))
    assert ours.is_contiguous(memory_format=torch.channels_last) or images.is_contiguous()
    same(images, before)


@given(batches())
def test_grayscale(images: Tensor) -> None:
    theirs = one_by_one(lambda image: tv.rgb_to_grayscale(image, image.shape[0]), images)
    same(functional.grayscale(images), theirs)


@pytest.mark.parametrize("name", FACTORS)
def test_float_images(name: str) -> None:
    images = pictures(3, 20).float() / 255
    factors = uniform(images, 0.0, 2.0)
    ours, theirs = getattr(functional, name)(images, factors), one_by_one(getattr(tv, name), images, factors)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_schedule_holds_every_order(order: tuple[int, ...]) -> None:
    rest = iter(_SCHEDULE)
    assert all(step in rest for step in order)


@given(images=whole_vectors(), seed=st.integers(0, 2**32), steps=st.integers(0, 4))
def test_jitter_is_its_steps_in_their_order(images: Tensor, seed: int, steps: int) -> None:
    order = torch.rand(len(images), 4, generator=torch.Generator().manual_seed(seed)).argsort(1)[:, :steps]
    factors = uniform(images, 0.0, 0.5, 4, seed=seed)
    adjust = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)

    def jitter(image: Tensor, order: list[int], factors: list[float]) -> Tensor:
        for step in order:
            image = adjust[step](image, factors[step])
        return image

    same(functional.jitter_color(images, order, factors), one_by_one(jitter, images, order, factors))


@given(images=whole_vectors(), seed=st.integers(0, 2**32))
def test_a_whole_color_jitter_with_the_draws_of_torchvision(images: Tensor, seed: int) -> None:
    theirs = transforms.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
    torch.manual_seed(seed)
    drawn = [theirs.make_params([image]) for image in images]
    names = ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")
    order = torch.stack([parameters["fn_idx"] for parameters in drawn])
    factors = torch.tensor([[parameters[name] for name in names] for parameters in drawn], dtype=torch.float64)
    torch.manual_seed(seed)
    same(functional.jitter_color(images, order, factors), torch.stack([theirs(image) for image in images]))
