"""Images of your own: anything that gives uint8 pixels and class numbers becomes a data set."""

from __future__ import annotations

import torch
from torch import Tensor

import cifarzoo
from cifarzoo import Recipe, Trainer, data

CLASSES = ("disc", "square", "cross")
SIZE_PX = 32
NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example


def draw(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Bright shapes of random size and place on a dark, noisy ground: (N, 3, H, W) uint8 and (N,) int64."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % len(CLASSES)
    radius, row, column = (torch.rand(count, 1, 1, generator=generator) for _ in range(3))
    radius_px = 5 + 4 * radius  # (N, 1, 1)
    y = torch.arange(SIZE_PX).view(1, -1, 1) - (10 + 12 * row)  # (N, H, 1)
    x = torch.arange(SIZE_PX).view(1, 1, -1) - (10 + 12 * column)  # (N, 1, W)
    shapes = (
        x**2 + y**2 < radius_px**2,
        (x.abs() < radius_px) & (y.abs() < radius_px),
        ((x.abs() < 2) & (y.abs() < radius_px)) | ((y.abs() < 2) & (x.abs() < radius_px)),
    )
    shape = torch.stack(shapes)[targets, torch.arange(count)]  # (N, H, W)
    noise = torch.randint(0, 60, (count, 3, SIZE_PX, SIZE_PX), generator=generator)
    return (noise + 180 * shape[:, None]).to(torch.uint8), targets


def as_datasets() -> tuple[data.Dataset, data.Dataset]:
    """The drawings as data sets; mean and std are measured over the training images, and the test set's, too."""
    train = data.ArrayDataset(*draw(300, seed=0), CLASSES, name="shapes")
    test = data.ArrayDataset(*draw(150, seed=1), CLASSES, name="shapes", split="test", mean=train.mean, std=train.std)
    return train, test


def main() -> None:
    """Train for a few seconds on drawn shapes."""
    train, test = as_datasets()
    model = cifarzoo.create("baseline_cnn", num_classes=len(CLASSES), seed=0, **NARROW)
    recipe = Recipe(epochs=4, batch_size=20, optimizer="adamw", lr=1e-3, augment="none")
    history = Trainer(model, recipe, output_dir="runs/shapes").fit(train, test)
    print(f"{history.last.test_top1:.2f} % of the test images are right")
    for prediction in cifarzoo.predict(model, test.images[:3], top=1):
        print(f"{prediction.classes[0]} ({prediction.probabilities[0]:.0%})")


if __name__ == "__main__":
    main()
