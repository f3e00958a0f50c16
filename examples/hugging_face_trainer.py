"""Hugging Face's Trainer trains the model, on batches that cifarzoo keeps ready."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import EvalPrediction, Trainer, TrainingArguments

import cifarzoo
from cifarzoo import data

NARROW = {"stem_width": 16, "widths": (32, 48, 64, 96)}  # settings of the family, for a quick example


class WithLoss(nn.Module):
    """A model of the zoo with the signature that the Trainer calls."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The loss, and logits (B, K), of images (B, 3, H, W) and labels: (B,), or (B, K) where they are mixed."""
        logits = self.model(images)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


class Batches(data.Loader):
    """Batches by the names of the model's arguments."""

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for images, targets in super().__iter__():
            yield {"images": images, "labels": targets}


class InMemoryTrainer(Trainer):
    """The Trainer with our batches in the place of its DataLoader."""

    def get_train_dataloader(self) -> Batches:
        """Shuffled; an ``augment`` may be given as well."""
        return Batches(self.train_dataset, self.args.train_batch_size, seed=self.args.seed)

    def get_eval_dataloader(self, eval_dataset: data.Dataset | None = None) -> Batches:
        """Every image once."""
        return Batches(eval_dataset or self.eval_dataset, self.args.eval_batch_size, shuffle=False, drop_last=False)


def right(prediction: EvalPrediction) -> dict[str, float]:
    """The share of images that are right."""
    return {"right": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    train = data.subset(data.open("digits", split="train"), range(400))
    test = data.open("digits", split="test")
    arguments = TrainingArguments(
        output_dir="runs/hugging_face",
        num_train_epochs=4,
        per_device_train_batch_size=20,
        per_device_eval_batch_size=200,
        learning_rate=1e-3,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    model = WithLoss(cifarzoo.create("baseline_cnn", num_classes=len(train.classes), seed=0, **NARROW))
    trainer = InMemoryTrainer(model, arguments, train_dataset=train, eval_dataset=test, compute_metrics=right)
    trainer.train()
    print(f"{100 * trainer.evaluate()['eval_right']:.2f} % of the test images are right")


if __name__ == "__main__":
    main()
