"""What is known of the official sets before any file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An official set.

    ``mean`` and ``std`` are of pixel / 255 over all pixels of the training part. ``per_class`` is the number of images
    of each class in each split.
    """

    name: str
    size_px: int
    num_classes: int
    per_class: Mapping[str, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    paper: str


CIFAR10 = Spec(
    name="cifar10",
    size_px=32,
    num_classes=10,
    per_class={"train": 5000, "test": 1000},
    mean=(0.491400, 0.482158, 0.446531),
    std=(0.247032, 0.243485, 0.261588),
    paper="Krizhevsky, Learning multiple layers of features from tiny images, 2009",
)
TINY_IMAGENET = Spec(
    name="tiny_imagenet",
    size_px=64,
    num_classes=200,
    per_class={"train": 500, "val": 50},
    mean=(0.480237, 0.448067, 0.397504),
    std=(0.276436, 0.268863, 0.281590),
    paper="Le and Yang, Tiny ImageNet visual recognition challenge, 2015",
)
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
