"""Follow a run in TensorBoard, or in a CSV file where that is not installed, through the Trainer's two hooks."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

import cifarzoo
from cifarzoo import data, recipes
from cifarzoo.training import EpochRecord

NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example
LOG = Path("log")


def create_writer(folder: Path) -> Callable[[str, float, int], None]:
    """What takes (name, value, step)."""
    folder.mkdir(exist_ok=True)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # pip install tensorboard
        file = (folder / "scalars.csv").open("w", newline="", buffering=1)
        return lambda name, value, step: csv.writer(file).writerow((name, step, value))
    return SummaryWriter(folder).add_scalar  # then: tensorboard --logdir log


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    write = create_writer(LOG)

    def on_step(step: int, loss: Tensor) -> None:
        if step % 10 == 0:  # reading the loss waits for a GPU: not at every step
            write("loss/step", loss.item(), step)

    def on_epoch(record: EpochRecord) -> None:
        write("loss/epoch", record.train_loss, record.step)
        write("accuracy/train", record.train_top1, record.step)
        write("accuracy/test", record.test_top1 or 0.0, record.step)
        write("images per second", record.images_per_s, record.step)

    train, test = data.subset(data.open("digits", split="train"), range(400)), data.open("digits", split="test")
    model = cifarzoo.create("baseline_cnn", num_classes=10, seed=0, **NARROW)
    recipe = recipes.get("digits").replace(epochs=3, batch_size=20)
    history = cifarzoo.Trainer(model, recipe, on_step=on_step, on_epoch=on_epoch, progress=False).fit(train, test)
    print(f"{history.last.test_top1:.2f} % of the test images are right; written: {LOG}")


if __name__ == "__main__":
    main()
