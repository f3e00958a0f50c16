"""A model of your own under a name: it then has everything that cifarzoo's models have.

In a package of its own, an entry point in the group `cifarzoo.models` that names this module lets cifarzoo find it.
"""

from __future__ import annotations

from torch import nn

import cifarzoo
from cifarzoo import Recipe, Trainer, data
from cifarzoo.models import Classifier


class TinyNet(Classifier):
    """Three convolutions, each at half the size of the one before."""

    def __init__(self, *, num_classes: int, in_channels: int = 3, width: int = 32) -> None:
        widths = (width, 2 * width, 4 * width)
        stages, previous = [], width
        for current in widths:
            stages.append(
                nn.Sequential(
                    nn.Conv2d(previous, current, 3, stride=2, padding=1, bias=False),  # side / 2
                    nn.BatchNorm2d(current),
                    nn.ReLU(inplace=True),
                )
            )
            previous = current
        super().__init__(
            stem=nn.Conv2d(in_channels, width, 3, padding=1),
            stages=stages,
            widths=widths,
            reductions=(2, 4, 8),
            num_classes=num_classes,
            in_channels=in_channels,
        )


cifarzoo.register(
    "tiny_net",
    TinyNet,
    summary="three strided convolutions",
    input_size=32,
    num_classes=10,
    params=104_010,
    macs=5_604_608,
    min_size=16,
)


def main() -> None:
    """Train it for a few seconds on handwritten digits."""
    print(cifarzoo.model_info("tiny_net"))
    model = cifarzoo.create("tiny_net", num_classes=10, width=16, seed=0)
    train = data.subset(data.open("digits", split="train"), range(400))
    recipe = Recipe(epochs=4, batch_size=20, optimizer="adamw", lr=1e-3, augment="none")
    history = Trainer(model, recipe, output_dir="runs/tiny_net").fit(train, data.open("digits", split="test"))
    print(f"{history.last.test_top1:.2f} % of the test images are right")
    print(type(cifarzoo.load("runs/tiny_net")).__name__, "is back")


if __name__ == "__main__":
    main()
