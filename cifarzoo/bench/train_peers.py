"""An epoch of training by the Trainer, by a loop written by hand, and by the trainers that others use.

Each function here is one contestant: it trains for one pass in a process of its own, and says how long the steps took.
All have the same model, optimiser, precision and batch size, and pad-crop-flip augmentation of the same images.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import cifarzoo
from cifarzoo import augment
from cifarzoo.data import CIFAR10, Dataset, Loader, subset
from cifarzoo.layers.conv import Conv2d
from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer, keep_freed_memory
from cifarzoo.training.precision import autocast

_WORKERS = 2
_LR, _MOMENTUM, _DECAY = 0.01, 0.9, 5e-4


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is trained; it travels to the process that does it."""

    root: str
    """Of CIFAR-10."""
    cache: str
    model: str
    images: int
    batch_size: int
    precision: str
    """``fp32`` or ``bf16``."""
    threads: int
    channels_last: bool = True
    allocator: bool = True
    """Of the contestants that are ours: the call that keeps freed memory."""
    fast: bool = True
    """Of the model's convolutions: ours where they pay."""

    def dataset(self) -> Dataset:
        """The training images, in memory of their own."""
        torch.set_num_threads(self.threads)
        dataset = CIFAR10(self.root, "train", cache=Path(self.cache))
        return subset(dataset, range(min(self.images, len(dataset))))

    def network(self) -> nn.Module:
        """The model, ready to learn."""
        Conv2d.fast = self.fast
        model = cifarzoo.create(self.model, num_classes=10, seed=0).train()
        return model.to(memory_format=self.memory_format)

    @property
    def memory_format(self) -> torch.memory_format:
        """Of images and weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def by_default(self) -> Task:
        """As the peers do it where nobody says otherwise: in float32 and NCHW."""
        return replace(self, precision="fp32", channels_last=False)


@dataclass(frozen=True)
class Timing:
    """Some images in some seconds."""

    images: int
    seconds: float


def from_first_step(ends: Sequence[float], batch_size: int) -> Timing:
    """All steps but the first, in which caches are filled, worker processes start and models are compiled.

    Peers with worker processes gain a little: a few batches are ready by then.
    """
    return Timing((len(ends) - 1) * batch_size, ends[-1] - ends[0])


def trainer(task: Task, *, compiled: bool = False) -> Timing:
    """Ours."""
    recipe = Recipe(
        epochs=1,
        batch_size=task.batch_size,
        lr=_LR,
        momentum=_MOMENTUM,
        weight_decay=_DECAY,
        precision=task.precision,
        channels_last=task.channels_last,
        compile=compiled,
    )
    ends: list[float] = []
    model, dataset = task.network(), task.dataset()
    Trainer(
        model,
        recipe,
        device="cpu",
        progress=False,
        allocator=task.allocator,
        on_step=lambda step, loss: ends.append(time.perf_counter()),
    ).fit(dataset)
    return from_first_step(ends, task.batch_size)


def bare_loop(task: Task) -> Timing:
    """The same batches in a loop without anything that a run needs beside its steps."""
    if task.allocator:
        keep_freed_memory()
    dataset = task.dataset()
    batches = Loader(
        dataset,
        task.batch_size,
        augment=augment.create("baseline", dataset.images.shape[-1]),
        memory_format=task.memory_format,
    )
    return _plain_loop(task, batches)


def timm_loader(task: Task) -> Timing:
    """Timm's loader (its collating, its normalising of whole batches) on torchvision's set, in a loop by hand."""
    from timm.data.loader import create_loader
    from timm.data.transforms import ToNumpy
    from torchvision import transforms  # type: ignore[import-untyped]  # it ships no types

    dataset = task.dataset()
    size, pictures = dataset.images.shape[-1], _torchvision_set(dataset)
    batches = create_loader(
        pictures,
        input_size=(3, size, size),
        batch_size=task.batch_size,
        is_training=True,
        mean=dataset.mean,
        std=dataset.std,
        num_workers=_WORKERS,
        pin_memory=False,
        device=torch.device("cpu"),
        persistent_workers=False,
    )
    steps = [transforms.RandomCrop(size, padding=4), transforms.RandomHorizontalFlip(), ToNumpy()]
    pictures.transform = transforms.Compose(steps)  # the loader has set its own, which rescales: this is less work
    return _plain_loop(task, batches)


def lightning(task: Task) -> Timing:
    """Pytorch-lightning's Trainer with torchvision's data."""
    import pytorch_lightning

    model, ends = task.network(), []

    class Module(pytorch_lightning.LightningModule):  # type: ignore[misc]  # untyped where it is not installed
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            images, targets = batch
            return F.cross_entropy(self.model(images.contiguous(memory_format=task.memory_format)), targets)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return _optimizer(self.model)

        def on_train_batch_end(self, *_: Any) -> None:
            ends.append(time.perf_counter())

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        pytorch_lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            devices=1,
            precision="bf16-mixed" if task.precision == "bf16" else "32-true",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        ).fit(Module(), _torchvision_loader(task))
    return from_first_step(ends, task.batch_size)


def hugging_face(task: Task) -> Timing:
    """The Trainer of transformers with torchvision's data."""
    import transformers

    model, ends = task.network(), []

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
            logits = self.model(images.contiguous(memory_format=task.memory_format))  # (B, K)
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    class Clock(transformers.TrainerCallback):  # type: ignore[misc]  # untyped where it is not installed
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    def collate(rows: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        images, labels = zip(*rows, strict=True)
        return {"images": torch.stack(images), "labels": torch.tensor(labels)}

    wrapped, optimizer = Wrapped(), _optimizer(model)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=task.batch_size,
            num_train_epochs=1,
            dataloader_num_workers=_WORKERS,
            dataloader_drop_last=True,
            remove_unused_columns=False,
            use_cpu=True,
            bf16=task.precision == "bf16",
            max_grad_norm=0.0,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = transformers.Trainer(
            wrapped,
            arguments,
            train_dataset=_torchvision_set(task.dataset()),
            data_collator=collate,
            optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)),
            callbacks=[Clock()],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return from_first_step(ends, task.batch_size)


def _plain_loop(task: Task, batches: Iterable[tuple[Tensor, Tensor]]) -> Timing:
    """Forward, backward, update."""
    model = task.network()
    optimizer, ends = _optimizer(model), []
    for images, targets in batches:
        with autocast(task.precision, "cpu"):
            logits = model(images.contiguous(memory_format=task.memory_format))
            loss = F.cross_entropy(logits, targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ends.append(time.perf_counter())
    return from_first_step(ends, task.batch_size)


def _optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The one of all contestants."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.SGD(parameters, lr=_LR, momentum=_MOMENTUM, nesterov=True, weight_decay=_DECAY, fused=True)


def _torchvision_set(dataset: Dataset) -> Any:
    """Torchvision's own class and transforms, its arrays filled by us instead of from pickles."""
    from torchvision import datasets
    from torchvision.transforms import v2  # type: ignore[import-untyped]  # it ships no types

    pictures = datasets.CIFAR10.__new__(datasets.CIFAR10)
    pictures.data = dataset.images.permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, C)
    pictures.targets = dataset.targets.tolist()
    pictures.target_transform = None
    pictures.transform = v2.Compose(
        [
            v2.RandomCrop(dataset.images.shape[-1], padding=4),
            v2.RandomHorizontalFlip(),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(list(dataset.mean), list(dataset.std)),
        ]
    )
    return pictures


def _torchvision_loader(task: Task) -> Any:
    pictures = _torchvision_set(task.dataset())
    return torch.utils.data.DataLoader(pictures, task.batch_size, shuffle=True, drop_last=True, num_workers=_WORKERS)
