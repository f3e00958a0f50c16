"""Each operation of the policies, at each magnitude, is torchvision's."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import one_by_one, pictures, same, whole_vectors
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode

from cifarzoo.augment import functional
from cifarzoo.augment.functional import OPERATIONS

RANGES = {"Shear": 0.99, "Transl": 32.0, "Rotate": 135.0}


def magnitudes(which: Tensor, seed: int) -> Tensor:
    unit = torch.rand(len(which), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    values = []
    for kind, part in zip(which.tolist(), unit.tolist(), strict=True):
        name = OPERATIONS[kind]
        if name == "Posterize":
            values.append(float(round(2 + 6 * part)))
        elif name == "Solarize":
            values.append(part)
        else:
            reach = next((reach for start, reach in RANGES.items() if name.startswith(start)), 0.99)
            values.append((2 * part - 1) * reach)
    return torch.tensor(values, dtype=torch.float64)


def theirs(images: Tensor, which: Tensor, magnitude: Tensor, interpolation: str) -> Tensor:
    policy = transforms.TrivialAugmentWide()
    mode = InterpolationMode(interpolation)

    def changed(image: Tensor, kind: int, strength: float) -> Tensor:
        return policy._apply_image_or_video_transform(image, OPERATIONS[kind], strength, mode, policy._fill)

    return one_by_one(changed, images, which, magnitude)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@given(images=whole_vectors(), seed=st.integers(0, 2**32))
def test_another_operation_for_each_image(interpolation: str, images: Tensor, seed: int) -> None:
    before = images.clone()
    which = torch.randint(0, len(OPERATIONS), (len(images),), generator=torch.Generator().manual_seed(seed))
    magnitude = magnitudes(which, seed)
    ours = functional.apply_operations(images, which, magnitude, interpolation=interpolation)
    same(ours, theirs(images, which, magnitude, interpolation))
    same(images, before)


@pytest.mark.parametrize("kind", range(len(OPERATIONS)), ids=OPERATIONS)
def test_one_operation_for_all(kind: int) -> None:
    images, which = pictures(kind, 40), torch.full((40,), kind)
    magnitude = magnitudes(which, kind)
    same(functional.apply_operations(images, which, magnitude), theirs(images, which, magnitude, "nearest"))


@pytest.mark.parametrize("angle", [-90.0, 0.0, 90.0, 180.0, 360.0])
def test_right_angles(angle: float) -> None:
    images, which = pictures(1, 5), torch.full((5,), OPERATIONS.index("Rotate"))
    magnitude = torch.full((5,), angle, dtype=torch.float64)
    same(functional.apply_operations(images, which, magnitude), theirs(images, which, magnitude, "nearest"))
