"""Normalisation equals torchvision's, and the fused form differs from it by rounding only."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augment_pictures import batches, one_by_one, same
from hypothesis import given
from torch import Tensor

from cifarzoo.augment import functional

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@given(batches())
def test_normalize(images: Tensor) -> None:
    mean, std = list(MEAN[: images.shape[1]]), list(STD[: images.shape[1]])

    def normalize(image: Tensor) -> Tensor:
        return tv.normalize(tv.to_dtype(image, torch.float32, scale=True), mean, std)

    theirs = one_by_one(normalize, images)
    same(functional.normalize(images, mean, std), theirs)
    same(functional.normalize(images.float() * (1 / 255), mean, std), theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@given(images=batches())
def test_normalize_into(dtype: torch.dtype, memory_format: torch.memory_format, images: Tensor) -> None:
    mean, std = MEAN[: images.shape[1]], STD[: images.shape[1]]
    out = torch.empty(images.shape, dtype=dtype, memory_format=memory_format)
    functional.normalize_into(images, mean, std, out=out)
    assert out.is_contiguous(memory_format=memory_format)
    tolerance = 1e-2 if dtype == torch.bfloat16 else 2e-6
    exact = (images.double() / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    torch.testing.assert_close(out.double(), exact, rtol=tolerance, atol=tolerance)
