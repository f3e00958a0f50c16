"""A training loop of your own, with cifarzoo's model, batches and augmentation."""

from __future__ import annotations

import torch
import torch.nn.functional as F

import cifarzoo
from cifarzoo import augment, data

EPOCHS = 4
NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    train = data.subset(data.open("digits", split="train"), range(400))
    test = data.open("digits", split="test")
    shifted = augment.Pipeline((augment.RandomCrop(padding_px=3),))  # or a preset: augment.create("baseline", size=32)
    batches = data.Loader(train, 20, augment=shifted, seed=0)
    test_batches = data.Loader(test, 200, shuffle=False, drop_last=False)

    model = cifarzoo.create("baseline_cnn", num_classes=10, seed=0, **NARROW).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=EPOCHS * len(batches))
    for epoch in range(EPOCHS):
        model.train()
        for images, targets in batches:  # (B, 3, 32, 32) normalised, (B,); each pass is a new epoch
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            right = sum(int((model(images).argmax(1) == targets).sum()) for images, targets in test_batches)
        print(
            f"epoch {epoch + 1}: loss {loss.item():.3f}, {100 * right / len(test):.2f} % of the test images are right"
        )


if __name__ == "__main__":
    main()
