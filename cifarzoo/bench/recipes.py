"""The report's nine recipes in short: a few epochs each on a part of the real data, to see that every one learns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

import cifarzoo
from cifarzoo import data, recipes
from cifarzoo.bench.contest import environment
from cifarzoo.bench.runs import write_record
from cifarzoo.data import Dataset
from cifarzoo.data.parts import sample
from cifarzoo.errors import DataError, SettingError
from cifarzoo.recipes import REPORT, Recipe, ReportRow
from cifarzoo.training import Trainer


def bench_recipes(
    root: Path | str,
    output: Path | str,
    *,
    images: int = 10_000,
    test_images: int = 2_000,
    epochs: int = 2,
    names: Sequence[str] = (),
    device: str = "auto",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train by each of the report's recipes for a few epochs and keep what each run measured.

    The file is written after each run, and a recipe that is in it already is left out: repeated, the call goes on.

    Args:
        root: the folder that holds CIFAR-10 and Tiny-ImageNet.
        output: the record's file.
        images: training images, the same share of each class.
        test_images: test images, likewise.
        epochs: passes over them; each recipe's schedule is laid out over these, its warm-up shortened alike.
        names: some of the recipes; all nine by default.
        device: as for ``Trainer``.
        say: is told how far it is.

    Returns:
        The record: ``runs`` has an entry a recipe, with the loss of its first step and of each epoch.

    Raises:
        SettingError: ``names`` has another recipe, or ``output`` cannot be written.
        DataError: ``output`` is another record.
    """
    rows = _rows(names)
    size = {"images": images, "test_images": test_images, "epochs": epochs}
    record = _begun(Path(output), size)
    write_record(record, output)  # what cannot be written is said at once
    done = {run["recipe"] for run in record["runs"]}
    open_part = cache(partial(_open_part, Path(root)))
    for row in rows:
        if row.recipe in done:
            say(f"{row.recipe}: is in {output}")
            continue
        say(f"{row.recipe}: {row.model}, {epochs} epochs of {images} images")
        train, test = open_part(row.dataset, "train", images), open_part(row.dataset, "test", test_images)
        run = _run(row, shortened(recipes.get(row.recipe), epochs, len(train)), train, test, device)
        record["runs"].append(run)
        write_record(record, output)
        say(f"{row.recipe}: loss {' -> '.join(f'{loss:.3f}' for loss in (run['first_loss'], *run['loss']))}")
    return record


def shortened(recipe: Recipe, epochs: int, images: int) -> Recipe:
    """The recipe over so many epochs of so many images: the warm-up shrinks with the run, and a batch with the set."""
    return recipe.replace(
        epochs=epochs,
        warmup_epochs=recipe.warmup_epochs * epochs / recipe.epochs,
        batch_size=min(recipe.batch_size, images),
    )


def _rows(names: Sequence[str]) -> list[ReportRow]:
    known = [row.recipe for row in REPORT]
    for name in names:
        if name not in known:
            raise SettingError(f"recipe (={name!r}) is none of the report's; choose from {', '.join(known)}")
    return [row for row in REPORT if not names or row.recipe in names]


def _begun(path: Path, size: dict[str, int]) -> dict[str, Any]:
    """The record that the file holds, or an empty one."""
    kind = "report recipes in short"
    if not path.exists():
        return {"kind": kind, **size, "environment": environment("torchvision"), "runs": []}
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        matches = record["kind"] == kind and {key: record[key] for key in size} == size
    except (OSError, ValueError, KeyError, TypeError):  # a folder, no JSON, or JSON of something else
        matches = False
    if not matches:
        wanted = ", ".join(f"{key}={value}" for key, value in size.items())
        raise DataError(f"{path} is not a record of these recipes with {wanted}; name another file")
    return record


def _open_part(root: Path, name: str, split: str, images: int) -> Dataset:
    """About so many images, the same share of each class."""
    return sample(data.open(name, root, split), images)


def _run(row: ReportRow, recipe: Recipe, train: Dataset, test: Dataset, device: str) -> dict[str, Any]:
    """Train once."""
    losses: list[torch.Tensor] = []
    model = cifarzoo.create(row.model, num_classes=train.num_classes, seed=recipe.seed)
    trainer = Trainer(model, recipe, device=device, on_step=lambda step, loss: losses.append(loss))
    records = trainer.fit(train, test).records
    course = [losses[0].item(), *(record.train_loss for record in records)]
    return {
        "row": row.row,
        "recipe": row.recipe,
        "model": row.model,
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "dataset": row.dataset,
        "images": len(train),
        "test_images": len(test),
        "epochs": len(records),
        "batch_size": recipe.batch_size,
        "steps": len(losses),
        "precision": trainer.precision,
        "device": str(trainer.device),
        "threads": torch.get_num_threads(),
        "first_loss": course[0],
        "loss": course[1:],
        "train_top1": [record.train_top1 for record in records],
        "test_loss": [record.test_loss for record in records],
        "test_top1": [record.test_top1 for record in records],
        "seconds": [round(record.seconds, 1) for record in records],
        "images_per_s": [round(record.images_per_s, 1) for record in records],
        "loss_falls": _falls(course),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _falls(losses: Sequence[float]) -> bool:
    return all(after < before for before, after in pairwise(losses))
