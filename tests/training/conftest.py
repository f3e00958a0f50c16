"""A data set that is learned in seconds, and a model that learns it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn


@dataclass
class ToySet:
    """The attributes of a data set; each class is a bright patch in a place of its own."""

    images: Tensor
    targets: Tensor
    classes: tuple[str, ...] = ("a", "b", "c", "d")
    class_names: tuple[str, ...] = ("ant", "bee", "cat", "dog")
    mean: tuple[float, ...] = (0.3, 0.3, 0.3)
    std: tuple[float, ...] = (0.2, 0.2, 0.2)
    name: str = "toy"
    split: str = "train"
    fingerprint: str = field(default="toy-fingerprint")


class ToyNet(nn.Module):
    """Convolution, batch norm, dropout and a head: everything whose state or draws a trainer can lose."""

    def __init__(self, num_classes: int = 4, in_channels: int = 3) -> None:
        super().__init__()
        self.num_classes, self.in_channels, self.min_size = num_classes, in_channels, 8
        self.conv = nn.Conv2d(in_channels, 8, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(32, num_classes)
        self.card: object = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu()  # (B, 8, H / 2, W / 2)
        return self.head(self.drop(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)))


@pytest.fixture
def make_set() -> Callable[..., ToySet]:
    def make(count: int = 64, *, seed: int = 0, size: int = 16, split: str = "train") -> ToySet:
        generator = torch.Generator().manual_seed(seed)
        targets = torch.arange(count) % 4
        images = torch.randint(0, 80, (count, 3, size, size), dtype=torch.uint8, generator=generator)
        half = size // 2
        for index, target in enumerate(targets.tolist()):
            top, left = half * (target // 2), half * (target % 2)
            images[index, :, top : top + half, left : left + half] += 120
        return ToySet(images, targets, split=split)

    return make


@pytest.fixture
def make_net() -> Callable[..., ToyNet]:
    def make(seed: int = 0, **settings: int) -> ToyNet:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ToyNet(**settings)

    return make


@pytest.fixture
def full_disk() -> Callable[..., None]:
    """What stands in for a function that writes."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return fail
