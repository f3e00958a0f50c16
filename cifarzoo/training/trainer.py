"""The trainer: one loop from a model, a recipe and a data set to trained weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from cifarzoo import augment
from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import seeding
from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.checks import check_fit, choose_device
from cifarzoo.training.environment import describe_environment
from cifarzoo.training.evaluation import Evaluation, as_model_expects, evaluate, restated
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.losses import Meter, check_finite, cross_entropy
from cifarzoo.training.optim import create_optimizer, set_lr
from cifarzoo.training.precision import autocast, choose_precision, flushed_denormals
from cifarzoo.training.progress import create_progress
from cifarzoo.training.run_folder import RunFolder, describe_weights
from cifarzoo.training.schedules import lr_at


class Trainer:
    """Trains a model by a recipe.

    Args:
        model: any ``nn.Module`` that takes (B, C, H, W) float and gives (B, K) logits; trained in place.
        recipe: what decides the run.
        device: ``auto`` is the first of CUDA, MPS and CPU that this machine has.
        output_dir: the run's folder; None writes nothing.
        resume: ``auto`` goes on with the run that ``output_dir`` holds, ``never`` begins anew.
        progress: show a bar on a terminal, lines elsewhere (on stderr).
        on_epoch: called after each epoch with its record.
        on_step: called after each step with its number (from 1) and its loss, a tensor on the device.
        allocator: keep freed memory in the process (``training.keep_freed_memory``).
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        device: torch.device | str = "auto",
        output_dir: Path | str | None = None,
        resume: str = "auto",
        progress: bool = True,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        on_step: Callable[[int, Tensor], None] | None = None,
        allocator: bool = True,
    ) -> None:
        self.model, self.recipe, self.progress, self.allocator = model, recipe, progress, allocator
        if resume not in ("auto", "never"):
            raise SettingError(f"resume (={resume!r}) must be 'auto' or 'never'")
        self.device = choose_device(device)
        self.precision = choose_precision(recipe.precision, self.device)
        self.folder = RunFolder(output_dir)
        self._on_epoch, self._on_step = on_epoch or _ignore, on_step or _ignore

    def fit(self, train: ImageSet, test: ImageSet | None = None) -> History:
        """Train on a data set; the test set draws the curve and gives the result, nothing is selected by it.

        Args:
            train: uint8 images and targets; any part of a set (``data.subset``) will do.
            test: scored after each epoch.

        Returns:
            The history, an entry an epoch.

        Raises:
            SettingError, RecipeError: model, recipe and data do not fit; nothing has started then.
            DivergedError: the loss is no longer finite.
        """
        # ---- prepare: everything that can be refused is refused here
        model, recipe, device, precision = self.model, self.recipe, self.device, self.precision
        check_fit(model, recipe, train, test)
        pipeline = augment.create(recipe.augment, train.images.shape[-1])
        self.folder.prepare(recipe, describe_environment(device=device, precision=precision, train=train, test=test))
        if self.allocator:
            keep_freed_memory()
        memory_format = torch.channels_last if recipe.channels_last else torch.contiguous_format
        model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]  # the stub lacks this form
        loader = Loader(
            as_model_expects(model, train),
            recipe.batch_size,
            augment=pipeline,
            seed=recipe.seed,
            device=device,
            memory_format=memory_format,
        )
        test = None if test is None else restated(test, train.mean, train.std)
        optimizer = create_optimizer(model, recipe)
        history = History(params=sum(parameter.numel() for parameter in model.parameters()))
        total, step = recipe.epochs * len(loader), 0
        result: Evaluation | None = None

        with create_progress(self.progress) as progress, flushed_denormals(), seeding.contained(device):
            for epoch in range(1, recipe.epochs + 1):
                # ---- train
                model.train()
                loader.set_epoch(epoch - 1)
                meter, start_s = Meter(device), time.perf_counter()
                for images, targets in loader:  # (B, C, H, W), (B,) or (B, K)
                    seeding.seed_step(recipe.seed, step)
                    lr = lr_at(recipe, step, steps_per_epoch=len(loader))
                    set_lr(optimizer, lr)
                    with autocast(precision, device):
                        logits = model(images)  # (B, K)
                    loss = cross_entropy(logits, targets, recipe.label_smoothing)
                    if device.type == "cpu":  # elsewhere reading the loss would wait for the device
                        check_finite(loss.item(), step=step + 1, lr=lr)
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                    optimizer.step()
                    step += 1
                    meter.add(loss, logits, targets)
                    self._on_step(step, loss.detach())
                    if progress.wants_step():  # reading the meter waits for the device
                        running_loss, running_top1 = meter.read()
                        rate = meter.images / (time.perf_counter() - start_s)
                        check_finite(running_loss, step=step, lr=lr)
                        progress.step(step=step, total=total, loss=running_loss, top1=running_top1, images_per_s=rate)
                train_loss, train_top1 = meter.read()
                seconds = time.perf_counter() - start_s
                check_finite(train_loss, step=step, lr=lr)
                # ---- evaluate: the last epoch in fp32, for its number goes onto the card
                last = epoch == recipe.epochs
                result = None
                if test is not None and (last or epoch % recipe.evaluate_every == 0):
                    result = evaluate(model, test, precision="fp32" if last else precision, allocator=self.allocator)
                record = EpochRecord(
                    epoch=epoch,
                    step=step,
                    lr=lr,
                    train_loss=train_loss,
                    train_top1=train_top1,
                    test_loss=None if result is None else result.loss,
                    test_top1=None if result is None else result.top1,
                    seconds=seconds,
                    images_per_s=meter.images / seconds,
                )
                history.records.append(record)
                # ---- save
                self.folder.record(history, final=last)
                card = describe_weights(model, recipe, train, history=history, result=result)
                model.card = self.folder.save(model.state_dict(), card)  # type: ignore[assignment]  # no Tensor or Module
                progress.epoch(record, epochs=recipe.epochs)
                self._on_epoch(record)
            progress.say(history.table())
        return history


def _ignore(*_: object) -> None:
    """The hook of who has none."""
