"""Affine warps equal torchvision's on each image alone."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, pictures, same, uniform
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode

from cifarzoo.augment import functional


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill", [None, 0.0, 77.0])
@given(images=batches(), seed=st.integers(0, 2**32), strength=st.sampled_from((0.0, 0.2, 1.0)))
def test_warp(interpolation: str, fill: float | None, images: Tensor, seed: int, strength: float) -> None:
    before = images.clone()
    angles = uniform(images, -180.0 * strength, 180.0 * strength, seed=seed)
    shifts = uniform(images, -20.0 * strength, 20.0 * strength, 2, seed=seed + 1).round()
    scales = uniform(images, 1.0 - 0.8 * strength, 1.0 + strength, seed=seed + 2)
    shears = uniform(images, -60.0 * strength, 60.0 * strength, 2, seed=seed + 3)
    matrices = functional.inverse_affine_matrices(angles, shifts, scales, shears)
    ours = functional.warp_affine(images, matrices, interpolation=interpolation, fill=fill)

    def affine(image: Tensor, angle: float, shift: list[float], scale: float, shear: list[float]) -> Tensor:
        mode = InterpolationMode(interpolation)
        return tv.affine(image, angle, shift, scale, shear, interpolation=mode, fill=fill)

    theirs = one_by_one(affine, images, angles, shifts, scales, shears)
    same(ours, theirs)
    same(images, before)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_right_angles_and_shifts_are_exact(interpolation: str) -> None:
    images = pictures(1, 4)
    angles = torch.tensor([0.0, 90.0, 180.0, 270.0], dtype=torch.float64)
    none, ones = torch.zeros(4, 2, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    turned = functional.warp_affine(
        images, functional.inverse_affine_matrices(angles, none, ones, none), interpolation=interpolation
    )
    same(turned, torch.stack([image.rot90(-turns, dims=(1, 2)) for turns, image in enumerate(images)]))
    shift = torch.tensor([[0, 0], [3, 0], [0, -5], [31, 2]])
    matrices = functional.inverse_affine_matrices(0 * ones, shift.double(), ones, none)
    moved = functional.warp_affine(images, matrices, interpolation=interpolation)
    same(moved, functional.translate(images, shift.flip(1), max_px=31))


def test_float_images() -> None:
    images = pictures(2, 12).float() / 255
    angles, none = uniform(images, -90.0, 90.0), torch.zeros(12, 2, dtype=torch.float64)
    matrices = functional.inverse_affine_matrices(angles, none, torch.ones(12, dtype=torch.float64), none)
    ours = functional.warp_affine(images, matrices, interpolation="bilinear")
    theirs = one_by_one(
        lambda image, angle: tv.rotate(image, -angle, interpolation=InterpolationMode.BILINEAR), images, angles
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
