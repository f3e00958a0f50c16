from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.run_folder import RunFolder, describe_weights
from cifarzoo.weights import Card, load_weights

HISTORY = History(
    params=5,
    records=[EpochRecord(epoch=1, step=2, lr=0.1, train_loss=1, train_top1=50, seconds=2.0, images_per_s=3)],
)


def test_holds_what_the_run_was_and_gave(tmp_path: Path) -> None:
    folder, recipe = RunFolder(tmp_path / "new" / "run"), Recipe(lr=0.25)
    folder.prepare(recipe, {"threads": 1})
    folder.record(HISTORY, final=True)
    weights = {"w": torch.arange(3.0)}
    folder.save(weights, Card(arch="x", num_classes=2))
    names = {path.name for path in (tmp_path / "new" / "run").iterdir()}
    assert names == {
        "recipe.json",
        "environment.json",
        "history.csv",
        "history.jsonl",
        "loss.png",
        "model.safetensors",
        "model.json",
    }
    assert Recipe.from_json((folder.path / "recipe.json").read_text()) == recipe  # type: ignore[operator]
    assert json.loads((folder.path / "environment.json").read_text()) == {"threads": 1}  # type: ignore[operator]
    assert History.read(folder.path).records == HISTORY.records  # type: ignore[arg-type]
    assert torch.equal(load_weights(folder.path)[0]["w"], weights["w"])  # type: ignore[arg-type]


def test_pictures_are_drawn_at_the_end_or_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.record(HISTORY, final=False)
    assert not (tmp_path / "loss.png").exists()
    monkeypatch.setattr(RunFolder, "_PLOT_EVERY_S", 0.0)
    folder.record(HISTORY, final=False)
    assert (tmp_path / "loss.png").exists()


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder, card = RunFolder(None), Card(arch="x", num_classes=2)
    folder.prepare(Recipe(), {})
    folder.record(HISTORY, final=True)
    assert folder.save({}, card) is card
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match=r"output_dir .*cannot be written"):
        RunFolder(tmp_path / "file" / "run").prepare(Recipe(), {})


def test_the_card_says_what_the_weights_are(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    model, train, recipe = make_net(), make_set(8), Recipe(seed=7)
    result = Evaluation(top1=50.0, top5=100.0, loss=1.0, images=4, views=1)
    card = describe_weights(model, recipe, train, history=HISTORY, result=result)
    assert (card.arch, card.params, card.dataset, card.num_classes) == ("ToyNet", 5, "toy", 4)
    assert (card.classes, card.input_size) == (["ant", "bee", "cat", "dog"], 16)
    assert (card.mean, card.std) == ([0.3] * 3, [0.2] * 3)
    assert (card.top1, card.seed, card.epochs, card.train_images, card.seconds) == (50.0, 7, 1, 8, 2.0)
    assert Recipe(**card.recipe) == recipe  # type: ignore[arg-type]
    assert Card.from_json(card.to_json(), source="here") == card


def test_the_card_keeps_the_mean_that_the_model_was_trained_under(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model = make_net()
    model.card = Card(arch="x", num_classes=4, mean=[0.1] * 3, std=[0.9] * 3)
    card = describe_weights(model, Recipe(), make_set(8), history=HISTORY, result=None)
    assert (card.mean, card.std, card.top1) == ([0.1] * 3, [0.9] * 3, None)
