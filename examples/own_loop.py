"""A training loop of your own, with cifarzoo's model, batches, augmentation, schedule and averaging."""

from __future__ import annotations

import torch
import torch.nn.functional as F

import cifarzoo
from cifarzoo import augment, data
from cifarzoo.recipes import Recipe
from cifarzoo.training import keep_freed_memory
from cifarzoo.training.averaging import Average
from cifarzoo.training.schedules import lr_fraction

EPOCHS, PEAK_LR = 4, 2e-3
NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    keep_freed_memory()  # the one line that saves a CPU's page faults
    train, test = data.subset(data.open("digits", split="train"), range(400)), data.open("digits", split="test")
    shifted = augment.Pipeline((augment.RandomCrop(padding_px=3),))  # or a preset: augment.create("baseline", size=32)
    batches = data.Loader(train, 20, augment=shifted, seed=0)

    model = cifarzoo.create("baseline_cnn", num_classes=10, seed=0, **NARROW).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())
    average = Average(model, Recipe(average="ema", average_every=5, average_decay=0.95))
    step, total = 0, EPOCHS * len(batches)
    for epoch in range(EPOCHS):
        for images, targets in batches:  # (B, 3, 32, 32) normalised, (B,); each pass is a new epoch
            for group in optimizer.param_groups:
                group["lr"] = PEAK_LR * lr_fraction("onecycle", step, total=total, warmup=len(batches))
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            average.update(step, step / total)
        with average.applied():
            right = cifarzoo.evaluate(model, test).top1
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, {right:.2f} % of the test images are right")


if __name__ == "__main__":
    main()
