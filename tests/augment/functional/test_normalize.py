"""Normalisation equals torchvision's."""

from __future__ import annotations

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
