"""The folder of a run: what was asked, where it ran, what it measured, what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo import files
from cifarzoo.data.loader import ImageSet
from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.environment import hardware_name
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.history import History
from cifarzoo.training.plots import draw_curves, save_figure
from cifarzoo.weights import Card, save_weights


class RunFolder:
    """Writes a run's files; without a path it writes nothing.

    recipe.json, environment.json, history.csv, history.jsonl, loss.png, model.safetensors and its card model.json.
    """

    _PLOT_EVERY_S = 30.0  # a picture takes a third of a second: short epochs share one

    def __init__(self, path: Path | str | None) -> None:
        self.path = None if path is None else Path(path)
        self._plotted_s = time.monotonic()

    def prepare(self, recipe: Recipe, environment: Mapping[str, Any]) -> None:
        """Make the folder and write what is known beforehand; SettingError if it cannot be written."""
        if self.path is None:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            files.write_text(self.path / "recipe.json", recipe.to_json())
            files.write_text(self.path / "environment.json", json.dumps(environment, indent=2) + "\n")
        except OSError as error:
            raise SettingError(
                f"output_dir (={str(self.path)!r}) cannot be written ({error}); choose another"
            ) from None

    def record(self, history: History, *, final: bool) -> None:
        """Write the history, and draw it at the end or if the last drawing is old."""
        if self.path is None:
            return
        files.write_text(self.path / "history.csv", history.to_csv())
        files.write_text(self.path / "history.jsonl", history.to_jsonl())
        if final or time.monotonic() - self._plotted_s >= self._PLOT_EVERY_S:
            save_figure(draw_curves({self.path.name: history}), self.path / "loss.png")
            self._plotted_s = time.monotonic()

    def save(self, state: Mapping[str, Tensor], card: Card) -> Card:
        """Write the weights and their card; the card comes back as written."""
        return card if self.path is None else save_weights(state, card, self.path / "model.safetensors")


def describe_weights(
    model: nn.Module, recipe: Recipe, train: ImageSet, *, history: History, result: Evaluation | None
) -> Card:
    """The card of a model that has been trained on a set."""
    before = getattr(model, "card", None)  # of the weights it began with, whose mean and std it keeps
    device = next(model.parameters()).device
    return Card(
        arch=getattr(model, "arch", None) or type(model).__name__,
        settings=getattr(model, "settings", {}),
        params=history.params,
        dataset=getattr(train, "name", None),
        num_classes=len(train.classes),
        in_channels=train.images.shape[1],
        classes=list(getattr(train, "class_names", train.classes)),
        input_size=train.images.shape[-1],
        mean=list(train.mean if before is None or before.mean is None else before.mean),
        std=list(train.std if before is None or before.std is None else before.std),
        top1=None if result is None else result.top1,
        top5=None if result is None else result.top5,
        recipe=asdict(recipe),
        seed=recipe.seed,
        epochs=history.last.epoch,
        train_images=len(train.targets),
        hardware=hardware_name(device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        seconds=sum(record.seconds for record in history.records),
    )
