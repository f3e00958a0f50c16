"""PyTorch Lightning trains the model, on batches that cifarzoo keeps ready."""

from __future__ import annotations

import pytorch_lightning as lightning
import torch
import torch.nn.functional as F
from torch import Tensor

import cifarzoo
from cifarzoo import augment, data

NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example


class Classifier(lightning.LightningModule):
    """Any model of the zoo as a LightningModule."""

    def __init__(self, name: str, num_classes: int) -> None:
        super().__init__()
        self.model = cifarzoo.create(name, num_classes=num_classes, seed=0, **NARROW)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """The loss of images (B, 3, H, W) and targets: (B,), or (B, K) where the augmentation mixes."""
        images, targets = batch
        return F.cross_entropy(self.model(images), targets)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Log the share that is right."""
        images, targets = batch
        right = (self.model(images).argmax(1) == targets).float().mean()
        self.log("right", right, batch_size=len(targets))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    train = data.subset(data.open("digits", split="train"), range(400))
    test = data.open("digits", split="test")
    shifted = augment.Pipeline((augment.RandomCrop(padding_px=3),))
    batches = data.Loader(train, 20, augment=shifted)  # Lightning takes it as it is: no workers, no collate function
    test_batches = data.Loader(test, 200, shuffle=False, drop_last=False)

    trainer = lightning.Trainer(
        max_epochs=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Classifier("baseline_cnn", len(train.classes)), batches, test_batches)
    print(f"{100 * float(trainer.callback_metrics['right']):.2f} % of the test images are right")


if __name__ == "__main__":
    main()
