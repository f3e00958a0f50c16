from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cifarzoo
from cifarzoo.errors import CifarZooError, DivergedError, RecipeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import EpochRecord, Trainer, evaluate, evaluation, trainer
from cifarzoo.training.environment import hash_weights
from cifarzoo.training.history import History

# Step, training loss and test loss after each epoch of the run in the last test of this file.
GOLDEN = [(6, 1.3851, 1.3561), (12, 0.8854, 1.0243), (18, 0.4858, 0.5330), (24, 0.3865, 0.2442), (30, 0.3857, 0.1402)]

RECIPE = Recipe(epochs=3, batch_size=16, lr=0.1, schedule="onecycle", warmup_epochs=1, label_smoothing=0.1)

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def trained(recipe: Recipe, model: nn.Module, dataset: Any, **settings: Any) -> dict[str, Tensor]:
    Trainer(model, recipe, progress=False, **settings).fit(dataset)
    return weights(model)


def test_learns(make_net: Nets, make_set: Sets) -> None:
    recipe = RECIPE.replace(epochs=8, augment="none")  # the classes are places, which a flip would change
    history = Trainer(make_net(), recipe, progress=False).fit(make_set(), make_set(32, seed=1))
    assert history.last.train_loss < history.records[0].train_loss
    assert history.last.test_top1 > 90


@pytest.mark.parametrize("optimizer, lr", [("sgd", 0.1), ("adam", 1e-3), ("adamw", 1e-3)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_same_seed_same_weights_and_another_seed_others(
    optimizer: str, lr: float, precision: str, make_net: Nets, make_set: Sets
) -> None:
    recipe = RECIPE.replace(optimizer=optimizer, lr=lr, precision=precision)
    first = trained(recipe, make_net(), make_set())
    assert same(first, trained(recipe, make_net(), make_set()))
    assert not same(first, trained(recipe.replace(seed=1), make_net(), make_set()))


def test_the_global_random_state_neither_matters_nor_changes(make_net: Nets, make_set: Sets) -> None:
    first = trained(RECIPE, make_net(), make_set())
    torch.rand(5)
    before = torch.get_rng_state()
    assert same(first, trained(RECIPE, make_net(), make_set()))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("allocator", [True, False])
def test_the_allocator_is_asked_only_where_it_is_wanted(
    allocator: bool, make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module in (trainer, evaluation):
        monkeypatch.setattr(module, "keep_freed_memory", lambda: asked.append("kept"))
    Trainer(make_net(), RECIPE, progress=False, allocator=allocator).fit(make_set(), make_set(8))
    assert bool(asked) == allocator


def test_memory_order_changes_no_result(make_net: Nets, make_set: Sets) -> None:
    recipe = RECIPE.replace(precision="fp32")
    first = trained(recipe, make_net(), make_set())
    other = trained(recipe.replace(channels_last=False), make_net(), make_set())
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-4)


def test_one_step_is_the_hand_written_one(make_net: Nets, make_set: Sets) -> None:
    """A batch of the whole set without augmentation: the loop must be what a user would write."""
    dataset, recipe = make_set(16), Recipe(epochs=2, batch_size=16, augment="none", precision="fp32", lr=0.05)
    model, twin = make_net(), make_net()
    model.drop, twin.drop = nn.Identity(), nn.Identity()
    trained(recipe, model, dataset)
    images = (dataset.images.float() / 255 - 0.3) / 0.2
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for lr in (0.05, 0.0):
        loss = nn.functional.cross_entropy(twin(images), dataset.targets)
        decay = 0.5 * 5e-4 * (twin.conv.weight.square().sum() + twin.head.weight.square().sum())
        optimizer.zero_grad()
        (loss + decay).backward()
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
    for name, tensor in weights(twin).items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


def test_training_twice_is_not_training_once(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    model, recipe = make_net(), RECIPE.replace(epochs=1, warmup_epochs=0)
    trained(recipe, model, make_set())
    assert model.card.begun_from is None
    first = hash_weights(model)
    trained(recipe, model, make_set())
    assert model.card.begun_from == first
    trained(recipe, model, make_set(), output_dir=tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["begun_from"] == first


def test_the_folder_explains_itself(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    history = Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(make_set(), make_set(32, seed=1))
    assert Recipe.from_json((tmp_path / "recipe.json").read_text()) == RECIPE
    assert json.loads((tmp_path / "environment.json").read_text())["train"]["fingerprint"] == "toy-fingerprint"
    assert History.read(tmp_path).records == history.records
    assert (tmp_path / "history.csv").read_text().count("\n") == 1 + RECIPE.epochs
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "model.json").read_text())["top1"] == history.last.test_top1


def test_weights_load_to_the_same_logits(tmp_path: Path, make_set: Sets) -> None:
    model = cifarzoo.create("baseline_cnn", num_classes=4, stem_width=4, widths=[4, 4, 4, 4], seed=0)
    dataset = make_set(32, size=32)
    Trainer(model, RECIPE, output_dir=tmp_path, progress=False).fit(dataset, dataset)
    loaded, images = cifarzoo.load(tmp_path), torch.randn(3, 3, 32, 32)
    assert torch.equal(loaded(images), model.eval()(images))
    assert evaluate(loaded, dataset).top1 == loaded.card.top1
    assert loaded.card.arch == "baseline_cnn"


def test_the_same_run_writes_the_same_weight_file(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    for name in ("a", "b"):
        Trainer(make_net(), RECIPE, output_dir=tmp_path / name, progress=False).fit(make_set())
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_what_does_not_fit_raises_before_anything_starts(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    cases: list[tuple[dict[str, int], Recipe, type[CifarZooError], str]] = [
        ({"num_classes": 9}, RECIPE, SettingError, "num_classes=9"),
        ({"in_channels": 1}, RECIPE, SettingError, "in_channels=1"),
        ({}, RECIPE.replace(batch_size=65), RecipeError, r"batch_size \(=65\).*64"),
    ]
    for settings, recipe, error, words in cases:
        model = make_net(**settings)
        before = weights(model)
        with pytest.raises(error, match=words):
            Trainer(model, recipe, output_dir=tmp_path / "run", progress=False).fit(make_set())
        assert same(before, weights(model))
        assert not (tmp_path / "run").exists()
    with pytest.raises(SettingError, match="resume"):
        Trainer(make_net(), RECIPE, resume="sometimes")


def test_a_model_of_other_outputs_is_said_before_anything_starts(tmp_path: Path, make_set: Sets) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 7))
    with pytest.raises(SettingError, match=r"gives \(2, 7\).*not \(2, 4\)"):
        Trainer(model, RECIPE, output_dir=tmp_path / "run", progress=False).fit(make_set(), make_set(8))
    assert not (tmp_path / "run").exists()


class Breaks(nn.Module):
    """A model whose logits are no numbers in some training steps."""

    def __init__(self, net: nn.Module, *steps: int) -> None:
        super().__init__()
        self.net, self.calls, self.steps = net, 0, steps

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        logits: Tensor = self.net(x)
        return logits * torch.nan if self.training and self.calls in self.steps else logits


def test_a_loss_that_is_no_number_names_step_lr_images_and_checkpoint(
    tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    recipe = RECIPE.replace(schedule="constant", warmup_epochs=0)
    trainer = Trainer(Breaks(make_net(), 6), recipe, progress=False, output_dir=tmp_path)
    with pytest.raises(DivergedError, match=r"step 6 with lr=0\.1, on the images .*step-000000004-epoch-0") as caught:
        trainer.fit(make_set())
    assert len(caught.value.indices) == 16  # type: ignore[attr-defined]
    stopped = weights(trainer.model)
    assert trainer.state is not None and trainer.state.step == 6
    seen: dict[int, dict[str, Tensor]] = {}
    unbroken = Breaks(make_net())
    Trainer(unbroken, recipe, progress=False, on_step=lambda step, _: seen.update({step: weights(unbroken)})).fit(
        make_set()
    )
    assert same(stopped, seen[5])
    checkpoints = sorted((tmp_path / "checkpoints").iterdir())
    assert [path.name for path in checkpoints] == ["step-000000004-epoch-000001"]


def test_an_update_that_is_skipped_is_reported(
    make_net: Nets, make_set: Sets, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Breaks(make_net(), 2, 7, 8)
    history = Trainer(model, RECIPE.replace(on_nan="skip")).fit(make_set())
    assert all(math.isfinite(record.train_loss) for record in history.records)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    said = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert [line.split(" at ")[1].split(" with")[0] for line in said] == ["step 2", "step 7", "step 8"]
    assert history.last.step == 12


@pytest.mark.parametrize("on_nan", ["stop", "skip"])
def test_weights_that_only_the_evaluation_finds_broken_are_said(
    on_nan: str, tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    recipe = RECIPE.replace(steps=1, lr=1e38, schedule="constant", warmup_epochs=0, on_nan=on_nan)
    with pytest.raises(DivergedError, match="not finite on 20 of 20 images"):
        Trainer(make_net(), recipe, output_dir=tmp_path, progress=False).fit(make_set(), make_set(20))
    assert not (tmp_path / "model.safetensors").exists()


def test_hooks_see_every_step_and_epoch(make_net: Nets, make_set: Sets) -> None:
    steps: list[tuple[int, float]] = []
    epochs: list[EpochRecord] = []
    history = Trainer(
        make_net(),
        RECIPE,
        progress=False,
        on_step=lambda step, loss: steps.append((step, loss.item())),
        on_epoch=epochs.append,
    ).fit(make_set())
    assert [step for step, _ in steps] == list(range(1, 13))
    assert epochs == history.records
    assert history.last.train_loss == pytest.approx(sum(loss for _, loss in steps[-4:]) / 4, rel=1e-5)


def test_progress_ends_with_the_reports_table(
    make_net: Nets, make_set: Sets, capsys: pytest.CaptureFixture[str]
) -> None:
    history = Trainer(make_net(), RECIPE).fit(make_set(), make_set(8))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(history.table() + "\n")
    assert [line.split()[1] for line in err.splitlines()[:-3]] == ["1/3", "2/3", "3/3"]


def test_a_subset_trains(make_net: Nets, make_set: Sets) -> None:
    from cifarzoo import data

    whole = make_set(64)
    dataset = data.Dataset(
        **{name: getattr(whole, name) for name in ("images", "targets", "classes", "mean", "std", "name", "split")},
        fingerprint="toy",
    )
    part = data.split(dataset, 0.5)[1]
    history = Trainer(make_net(), RECIPE, progress=False).fit(part)
    assert history.last.step == 3 * 2


def test_a_model_that_normalises_is_given_pixels(make_set: Sets) -> None:
    from cifarzoo.layers.normalize import Normalize
    from cifarzoo.weights import Card

    seen: list[Tensor] = []
    model = cifarzoo.create("baseline_cnn", num_classes=4, stem_width=4, widths=[4, 4, 4, 4], seed=0)
    model.card = Card(arch="baseline_cnn", num_classes=4, mean=[0.5] * 3, std=[0.25] * 3)
    model.normalize = Normalize([0.5] * 3, [0.25] * 3)
    model.normalize.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    Trainer(model, RECIPE.replace(epochs=1, warmup_epochs=0, augment="none"), progress=False).fit(make_set(16, size=32))
    assert 0 <= seen[0].min() < seen[0].max() <= 1
    assert model.card.mean == [0.5] * 3


def test_the_history_of_a_tiny_run_stays_what_it_was(make_net: Nets, make_set: Sets) -> None:
    """Within 1 % in loss: processors round differently, and that much they may differ after 30 steps."""
    recipe = Recipe(
        epochs=5,
        batch_size=10,
        lr=0.05,
        schedule="triangle",
        warmup_epochs=1,
        final_lr_frac=0.05,
        augment="none",
        label_smoothing=0.1,
        average="ema",
        average_every=2,
        average_decay=0.9,
        precision="fp32",
        views=6,
    )
    history = Trainer(make_net(), recipe, progress=False).fit(make_set(64), make_set(40, seed=1))
    found = [(r.step, round(r.train_loss, 4), round(r.test_loss or 0.0, 4)) for r in history.records]
    for record, golden in zip(history.records, GOLDEN, strict=True):
        assert (record.step, record.train_loss, record.test_loss) == pytest.approx(golden, rel=0.01), found
