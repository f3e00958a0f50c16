"""Mixing equals torchvision's where the partner is the image before, and keeps its laws elsewhere."""

from __future__ import annotations

import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cifarzoo.augment import functional

CLASSES = 7


def batch(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    images = pictures(seed, count, height=16, width=24).float() / 255
    labels = torch.randint(0, CLASSES, (count,), generator=source)
    return images, labels, F.one_hot(labels, CLASSES).float()


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_as_torchvision_mixes(seed: int, count: int) -> None:
    images, labels, targets = batch(seed, count)
    before = torch.arange(count).roll(1)

    theirs = transforms.MixUp(alpha=0.7, num_classes=CLASSES)
    torch.manual_seed(seed)
    share = torch.full((count,), theirs.make_params([images])["lam"], dtype=torch.float64)
    torch.manual_seed(seed)
    for ours, wanted in zip(functional.mixup(images, targets, before, share), theirs(images, labels), strict=True):
        same(ours, wanted)

    other = transforms.CutMix(alpha=0.7, num_classes=CLASSES)
    torch.manual_seed(seed)
    x1, y1, x2, y2 = other.make_params([images])["box"]
    torch.manual_seed(seed)
    boxes = torch.tensor([[y1, x1, y2, x2]]).expand(count, 4)
    for ours, wanted in zip(functional.cutmix(images, targets, before, boxes), other(images, labels), strict=True):
        same(ours, wanted)


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_laws(seed: int, count: int) -> None:
    images, _, targets = batch(seed, count)
    source = torch.Generator().manual_seed(seed)
    partner = torch.randperm(count, generator=source)
    share = torch.rand(count, dtype=torch.float64, generator=source)
    mixed, soft = functional.mixup(images, targets, partner, share)
    torch.testing.assert_close(soft.sum(1), torch.ones(count))
    back, _ = functional.mixup(images, targets, partner, torch.ones(count, dtype=torch.float64))
    same(back, images)
    low, high = torch.minimum(images, images[partner]), torch.maximum(images, images[partner])
    assert ((mixed >= low - 1e-6) & (mixed <= high + 1e-6)).all()


def test_cutmix_counts_the_pixels_it_pastes() -> None:
    images = torch.arange(5.0)[:, None, None, None].expand(5, 3, 16, 24)
    targets, partner = torch.eye(5), torch.tensor([3, 0, 4, 1, 2])
    boxes = torch.tensor([[0, 0, 16, 24], [2, 3, 7, 9], [0, 0, 0, 0], [15, 23, 16, 24], [0, 4, 16, 5]])
    mixed, soft = functional.cutmix(images, targets, partner, boxes)
    for image, target in zip(mixed, soft, strict=True):
        counted = torch.stack([(image[0] == label).float().mean() for label in range(5)])
        torch.testing.assert_close(counted, target)
