"""What a command line chooses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import cifarzoo
from cifarzoo import recipes
from cifarzoo.cli.choice import choose, choose_recipe, parse_settings
from cifarzoo.errors import RecipeError, SettingError
from cifarzoo.models import Classifier
from cifarzoo.weights import Card, save_weights
from cifarzoo.weights.fitting import AdaptedWarning


def test_a_recipe_that_fits_is_taken_where_none_is_named() -> None:
    assert choose_recipe(None, model="resnet17", data="cifar10").name == "quick"
    assert choose_recipe(None, model="speednet", data="cifar10").name == "speed/c94"
    assert choose_recipe(None, model="speednet", data="cifar100").model == "speednet"
    assert choose_recipe(None, model=None, data="cifar10").name == "quick"
    assert choose_recipe(None, model="speednet", data="digits").name == "digits"
    assert choose_recipe(None, model=None, data="digits").name == "digits"
    assert choose_recipe(None, model=None, data="digits", pretrained="run").name == "finetune"
    assert choose_recipe("standard", model=None, data="digits", pretrained="run").name == "standard"


@pytest.mark.parametrize("name", ["speed/c94", "speed/wide", "quick"])
def test_a_recipe_that_nobody_named_is_cut_to_few_images(name: str) -> None:
    """Rates that are for the sum over a batch shrink with it, those of adaptive steps and of means do not."""
    options = {"root": None, "images": 40, "size": None, "download": False, "model_settings": None, "pretrained": None}
    recipe = recipes.get(name).replace(model="baseline_cnn", data="digits")
    assert choose(recipe, adapts=False, **options).recipe == recipe
    cut = choose(recipe, adapts=True, **options).recipe
    share = cut.batch_size / recipe.batch_size if name == "speed/c94" else 1
    assert cut.batch_size == 2
    assert cut.head_lr_ratio == pytest.approx(recipe.head_lr_ratio * share)
    assert cut.bias_lr_ratio == pytest.approx(recipe.bias_lr_ratio * share)
    few = recipe.replace(batch_size=1)
    assert choose(few, adapts=True, **options).recipe == few


def test_rates_that_were_said_or_are_for_means_are_not_cut() -> None:
    options = {"root": None, "images": 40, "size": None, "download": False, "model_settings": None, "pretrained": None}
    fast = recipes.get("speed/c94").replace(model="baseline_cnn", data="digits", head_lr_ratio=5.0)
    cut = choose(fast, adapts=True, **options).recipe
    assert (cut.head_lr_ratio, cut.bias_lr_ratio) == (5.0, pytest.approx(fast.bias_lr_ratio * 2 / 1000))
    other = recipes.get("quick").replace(model="baseline_cnn", data="digits", optimizer="muon")
    assert choose(other, adapts=True, **options).recipe.head_lr_ratio == 1


def test_a_cut_batch_has_images_for_each_process_and_part(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"root": None, "images": 1200, "size": None, "download": False, "model_settings": None}
    recipe = recipes.get("quick").replace(model="baseline_cnn", data="digits", accumulate=4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert choose(recipe, adapts=True, pretrained=None, **options).recipe.batch_size == 56
    assert choose(recipe, adapts=True, pretrained=None, holdout=0.5, **options).recipe.batch_size == 24
    assert choose(recipe, adapts=True, pretrained=None, holdout=0.99, **options).recipe.batch_size == 8


def test_a_batch_that_nobody_asked_for_can_be_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"root": None, "images": None, "size": None, "download": False, "model_settings": None}
    recipe = recipes.get("quick").replace(model="baseline_cnn", data="digits", batch_size=50)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert choose(recipe, adapts=True, pretrained=None, **options).recipe.batch_size == 48


def test_what_is_said_goes_above_the_recipe() -> None:
    chosen = choose_recipe("report/resnet17", model="baseline_cnn", data=None, lr=0.5, seed=None, settings=["epochs=7"])
    assert (chosen.model, chosen.data, chosen.lr, chosen.seed, chosen.epochs) == ("baseline_cnn", "cifar10", 0.5, 0, 7)


def test_weights_stand_for_the_recipe_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFARZOO_WEIGHTS", str(tmp_path))
    recipe = recipes.get("digits").replace(name="mine", model=None, lr=0.123, seed=7)
    card = Card(arch="resnet17", tag="toys", num_classes=10, dataset="digits", recipe=json.loads(recipe.to_json()))
    save_weights({}, card, tmp_path / "resnet17.toys.safetensors")
    assert choose_recipe("resnet17.toys", model=None, data=None) == recipe.replace(model="resnet17")
    assert choose_recipe("resnet17.toys", model=None, data=None, seed=8).seed == 8
    save_weights({}, replace(card, recipe=None), tmp_path / "resnet17.toys.safetensors")
    with pytest.raises(SettingError, match=r"the card of resnet17\.toys holds no recipe"):
        choose_recipe("resnet17.toys", model=None, data=None)


def test_as_many_other_classes_get_a_new_head(run: Path, tmp_path: Path) -> None:
    """The run has learned the digits; then its card says that it was letters."""

    def begun(source: Path) -> Classifier:
        options = {"root": None, "images": 40, "size": None, "download": False, "model_settings": None, "adapts": False}
        recipe = choose_recipe("digits", model="baseline_cnn", data="digits")
        return choose(recipe, pretrained=str(source), **options).network

    trained = cifarzoo.load(run)
    assert torch.equal(begun(run).classifier.weight, trained.classifier.weight)
    shutil.copytree(run, tmp_path / "letters")
    card = json.loads((run / "model.json").read_text()) | {"classes": list("abcdefghij")}
    (tmp_path / "letters" / "model.json").write_text(json.dumps(card))
    with pytest.warns(
        AdaptedWarning, match=r"its head for the 10 classes of digits \(trained: others\) is new; train it"
    ):
        one, same = begun(tmp_path / "letters"), begun(tmp_path / "letters")
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, trained.classifier.weight)
    assert torch.equal(next(one.stem.parameters()), next(trained.stem.parameters()))
    assert (one.card.classes, one.card.begun_from) == (None, card["sha256"])


def test_a_shorter_run_has_a_shorter_warm_up() -> None:
    assert choose_recipe("quick", model=None, data=None, epochs=1).warmup_epochs == 0.25
    assert choose_recipe("quick", model=None, data=None, epochs=2).warmup_epochs == 1


def test_settings() -> None:
    assert parse_settings(["lr=0.1", "name=a=b"]) == {"lr": "0.1", "name": "a=b"}
    with pytest.raises(SettingError, match="KEY=VALUE"):
        parse_settings(["lr"])
    with pytest.raises(RecipeError, match="no field"):
        choose_recipe("quick", model=None, data=None, settings=["rate=1"])


def test_epochs_that_are_asked_for_are_the_length_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFARZOO_WEIGHTS", str(tmp_path))
    recipe = recipes.get("quick").replace(name="mine", steps=3000, warmup_epochs=12)
    card = Card(arch="resnet17", tag="toys", num_classes=10, dataset="digits", recipe=json.loads(recipe.to_json()))
    save_weights({}, card, tmp_path / "resnet17.toys.safetensors")
    assert choose_recipe("resnet17.toys", model=None, data=None).steps == 3000
    shorter = choose_recipe("resnet17.toys", model=None, data=None, epochs=2)
    assert (shorter.epochs, shorter.steps, shorter.seconds, shorter.warmup_epochs) == (2, None, None, 0.5)
    assert choose_recipe("quick", model=None, data=None, epochs=2, settings=["seconds=5"]).seconds == 5
