"""What a training run measured, as one record that can be kept when the run's folder is gone."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifarzoo import factory, files, registry
from cifarzoo.errors import DataError, UnknownModelError
from cifarzoo.training.history import History
from cifarzoo.training.publishing import pflop_of
from cifarzoo.weights import load_weights


def run_record(run: Path | str) -> dict[str, Any]:
    """The record of a finished run, as JSON values.

    Args:
        run: its folder.

    Returns:
        model, data set, images, epochs, ``seconds`` (of training, evaluation not counted), ``pflop`` (10^15 operations
        of training), loss, accuracies (percent, on the whole test set after the last epoch), recipe, environment and
        the history, an entry an epoch.

    Raises:
        DataError: the folder holds no finished run.
        IntegrityError: its weights are not those of its card.
    """
    run = Path(run)
    _, card = load_weights(run)
    try:
        environment = json.loads((run / "environment.json").read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{run / 'environment.json'} cannot be read ({error}); name the folder of a run that cifarzoo train wrote"
        ) from None
    history = History.read(run)
    return {
        "kind": "training run",
        "model": card.arch,
        "settings": registry.resolved(card.arch, card.settings),
        "params": card.params,
        "dataset": card.dataset,
        "train_images": card.train_images,
        "epochs": card.epochs,
        "seed": card.seed,
        "seconds": round(sum(record.seconds for record in history.records), 1),
        "train_loss": history.last.train_loss,
        "train_top1": history.last.train_top1,
        "test_loss": history.last.test_loss,
        "top1": card.top1,
        "top5": card.top5,
        "top1_views": card.top1_views,
        "pflop": run_pflop(run, history),
        "weights_sha256": card.sha256,
        "recipe": card.recipe,
        "environment": environment,
        "history": [asdict(record) for record in history.records],
    }


def run_pflop(run: Path | str, history: History) -> float | None:
    """What a run cost in 10^15 operations; None for a model that is not registered here."""
    try:
        model = factory.load(run)
    except UnknownModelError:
        return None
    return pflop_of(model.card, model, history)


def write_record(record: dict[str, Any], path: Path | str) -> None:
    """Write a record as indented JSON; it appears whole or not at all. SettingError where it cannot be written."""
    with files.writing(path):
        files.write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
