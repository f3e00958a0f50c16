"""From a run to published weights: what the card says is so of the stored file."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import cifarzoo
from cifarzoo import Recipe, Trainer, data, recipes
from cifarzoo.errors import CifarZooError, SettingError
from cifarzoo.training import Evaluation, publishing
from cifarzoo.training.history import History
from cifarzoo.training.publishing import command_of, pflop_of, publish, rounded, summarize_seeds
from cifarzoo.weights import Card, load_weights

NAME = "baseline_cnn.digits"
NARROW = {"stem_width": 8, "widths": [32, 32, 32, 32]}


@pytest.fixture(scope="module")
def test_set() -> data.Dataset:
    return data.open("digits", split="test")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, test_set: data.Dataset) -> list[Path]:
    """Runs that differ in their seed."""
    train = data.subset(data.open("digits", split="train"), range(60))
    folders = []
    for seed in (0, 1):
        folders.append(tmp_path_factory.mktemp("runs") / f"seed{seed}")
        model = cifarzoo.create("baseline_cnn", seed=seed, **NARROW)
        recipe = Recipe(model="baseline_cnn", data="digits", epochs=2, batch_size=20, lr=0.01, seed=seed)
        Trainer(model, recipe, output_dir=folders[-1], progress=False).fit(train, test_set)
    return folders


@pytest.fixture
def published(runs: list[Path], test_set: data.Dataset, tmp_path: Path) -> Card:
    model = cifarzoo.load(runs[0])
    return publish(runs[0], NAME, model, test_set, folder=tmp_path, other_seeds=runs[1:], allow_loss=True)


def test_the_card_is_true_of_the_stored_file(published: Card, test_set: data.Dataset, tmp_path: Path) -> None:
    state, card = load_weights(tmp_path / f"{NAME}.safetensors")
    assert card == published
    model = cifarzoo.load(tmp_path / f"{NAME}.safetensors")
    result = cifarzoo.evaluate(model, test_set)
    assert (card.top1, card.top5, card.ece, card.per_class) == (
        result.top1,
        result.top5,
        result.ece,
        dict(result.per_class),
    )
    assert card.top1_views == cifarzoo.evaluate(model, test_set, views=6).top1
    assert card.dtype == "float16"
    assert {tensor.dtype for tensor in state.values()} == {torch.float16, torch.float32, torch.int64}


def test_every_key_is_filled(published: Card) -> None:
    may_be_empty = {"urls", "hub_id", "selected_epoch", "holdout_top1", "begun_from"}
    assert [key for key, value in vars(published).items() if value is None and key not in may_be_empty] == []
    assert published.tag == "digits"


def test_the_command_takes_the_card_s_own_recipe(published: Card) -> None:
    assert published.command == (
        f"cifarzoo train baseline_cnn --data digits --root DIR --recipe {NAME} --model-set stem_width=8 "
        "--model-set 'widths=[32, 32, 32, 32]' --output RUN"
    )


def test_a_named_recipe_is_named() -> None:
    recipe = recipes.get("report/baseline").replace(seed=3)
    card = Card(arch="baseline_cnn", num_classes=10, dataset="cifar10", train_images=50_000)
    card = replace(card, recipe=json.loads(recipe.to_json()))
    wanted = "cifarzoo train baseline_cnn --data cifar10 --root DIR --recipe report/baseline --seed 3 --output RUN"
    assert command_of(card, "baseline_cnn.x") == wanted
    changed = json.loads(recipe.replace(lr=0.5).to_json())
    assert "--recipe baseline_cnn.x" in (command_of(replace(card, recipe=changed), "baseline_cnn.x") or "")
    for what_no_command_does in ({"recipe": None}, {"train_images": 40}, {"begun_from": "ab"}, {"selected_epoch": 3}):
        assert command_of(replace(card, **what_no_command_does), "baseline_cnn.x") is None


def test_pictures_of_one_s_own_are_a_folder_in_the_command() -> None:
    """Their set is named after the folder, which no command knows."""
    recipe = recipes.get("quick").replace(model="baseline_cnn", data="folder")
    card = Card(arch="baseline_cnn", num_classes=2, dataset="pets", input_size=48, recipe=json.loads(recipe.to_json()))
    wanted = "train baseline_cnn --data folder --root DIR --size 48 --recipe quick --seed 0"
    assert wanted in (command_of(card, "baseline_cnn.pets") or "")


def test_only_settings_that_differ_from_the_registered_ones_are_in_the_command() -> None:
    recipe = json.loads(recipes.get("speed/tiny").to_json())
    card = Card(arch="speednet_64", num_classes=200, dataset="tiny_imagenet", train_images=100_000, recipe=recipe)
    usual = json.loads(json.dumps(cifarzoo.create("speednet_64").settings))
    assert "--model-set" not in (command_of(replace(card, settings=usual), "speednet_64.x") or "--model-set")
    other = command_of(replace(card, settings={**usual, "patch_stride": 3}), "speednet_64.x") or ""
    assert other.endswith("--model-set patch_stride=3 --output RUN")


def test_the_seeds_are_summarised(published: Card, runs: list[Path]) -> None:
    scores = [load_weights(run)[1].top1 for run in runs]
    seeds = published.seeds or {}
    assert (seeds["n"], seeds["seeds"], seeds["top1"]) == (2, [0, 1], scores)
    assert seeds["top1_mean"] == pytest.approx(sum(scores) / 2)
    assert seeds["top1_std"] == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)


def test_other_runs_must_differ_in_the_seed_only() -> None:
    card = Card(arch="net", num_classes=2, seed=0, top1=1.0, recipe={"lr": 1, "seed": 0})
    other = replace(card, seed=1, recipe={"lr": 1, "seed": 1, "shrink": "resize"})  # a default, said by one of them
    assert summarize_seeds([card, other])["n"] == 2
    with pytest.raises(SettingError, match="the run of seed 1 is not that of seed 0 with another seed"):
        summarize_seeds([card, replace(other, recipe={"lr": 2, "seed": 1})])
    with pytest.raises(SettingError, match=r"have seeds \[0, 0\]"):
        summarize_seeds([card, card])
    assert summarize_seeds([card])["top1_std"] is None


def test_a_loss_is_refused_unless_allowed(
    runs: list[Path], test_set: data.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([93.20, 93.17])

    def scored(*_: object, views: int = 1) -> Evaluation:
        top1 = next(scores) if views == 1 else 94.0
        return Evaluation(top1=top1, top5=99.0, loss=0.1, ece=0.1, per_class={}, images=10_000, views=views)

    monkeypatch.setattr(publishing, "evaluate", scored)
    model = cifarzoo.load(runs[0])
    with pytest.raises(CifarZooError, match=r"stored in bf16 .* loses 0\.03 points .*; take another --dtype"):
        publish(runs[0], NAME, model, test_set, folder=tmp_path, dtype="bf16")
    assert not list(tmp_path.iterdir())
    scores = iter([93.20, 93.17])
    assert publish(runs[0], NAME, model, test_set, folder=tmp_path, dtype="bf16", allow_loss=True).dtype_loss == 0.03
    scores = iter([93.20, 93.18])
    assert publish(runs[0], NAME, model, test_set, folder=tmp_path).top1 == 93.18


def test_a_folder_that_cannot_be_written_is_said_first(
    runs: list[Path], test_set: data.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "evaluate", lambda *_, **__: pytest.fail("measured first"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match="cannot be written"):
        publish(runs[0], NAME, cifarzoo.load(runs[0]), test_set, folder=tmp_path / "file" / "weights")


def test_pictures_that_make_no_whole_batch_cost_nothing() -> None:
    model = cifarzoo.create("baseline_cnn", **NARROW)
    of_size = {"arch": "baseline_cnn", "num_classes": 10, "epochs": 2, "input_size": 32, "recipe": {"batch_size": 100}}
    whole, more = (pflop_of(Card(**of_size, train_images=count), model, History()) for count in (100, 190))
    assert whole == more
    assert pflop_of(Card(**of_size, train_images=200), model, History()) == pytest.approx(2 * (whole or 0))


@pytest.mark.parametrize(
    "name", ["baseline_cnn", "resnet17.digits", "baseline_cnn.", "baseline_cnn.a/b", "baseline_cnn.a.b"]
)
def test_the_name_must_be_the_run_s(runs: list[Path], test_set: data.Dataset, tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=r"must be baseline_cnn\.TAG"):
        publish(runs[0], name, cifarzoo.load(runs[0]), test_set, folder=tmp_path)


def test_a_run_must_be_finished(runs: list[Path], test_set: data.Dataset, tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "run")
    first, _ = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    (tmp_path / "run" / "history.jsonl").write_text(first + "\n")
    with pytest.raises(SettingError, match=r"run is not finished: 1 of 2\.0 epochs"):
        publish(tmp_path / "run", NAME, cifarzoo.load(runs[0]), test_set, folder=tmp_path)


def test_rounding_spares_what_is_small_or_whole() -> None:
    state = {"large": torch.rand(5000), "small": torch.rand(9), "count": torch.tensor(7)}
    found = rounded(state, "bf16")
    assert (found["large"].dtype, found["small"].dtype, found["count"].dtype) == (
        torch.bfloat16,
        torch.float32,
        torch.int64,
    )
    assert rounded(state, "fp32") == state
    with pytest.raises(SettingError, match=r"dtype \(='int8'\) must be one of"):
        rounded(state, "int8")
    with pytest.raises(SettingError, match="large has numbers that are infinite or too large for fp16"):
        rounded({"large": torch.full((5000,), 1e6)}, "fp16")
