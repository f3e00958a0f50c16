"""What the fields of a recipe do to a run: parts, sizes, freezing, averages, ends, mixing, views."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer, evaluate
from cifarzoo.weights import load_weights

RECIPE = Recipe(epochs=3, batch_size=16, lr=0.1, schedule="onecycle", warmup_epochs=1, label_smoothing=0.1)

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]


def test_parts_of_a_batch_give_the_weights_of_the_whole(make_net: Nets, make_set: Sets) -> None:
    """Without batch norm and dropout, which see each part alone."""
    models = [make_net(), make_net()]
    for model, parts in zip(models, (1, 3), strict=True):
        model.norm, model.drop = nn.Identity(), nn.Identity()
        Trainer(model, RECIPE.replace(accumulate=parts, precision="fp32"), progress=False).fit(make_set())
    for name, tensor in models[0].state_dict().items():
        torch.testing.assert_close(tensor, models[1].state_dict()[name], rtol=1e-4, atol=1e-5)


def test_pictures_grow(make_net: Nets, make_set: Sets) -> None:
    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.sides = make_net(), []

        def forward(self, x: Tensor) -> Tensor:
            self.sides.append((self.training, x.shape[-1]))
            logits: Tensor = self.net(x)
            return logits

    model = Watched()
    Trainer(model, RECIPE.replace(sizes=((0.25, 8), (0.5, 12))), progress=False).fit(make_set(), make_set(16))
    assert [side for training, side in model.sides if training] == [8] * 3 + [12] * 3 + [16] * 6
    tried, scored = model.sides[:4], [side for training, side in model.sides[4:] if not training]
    assert tried == [(False, 16), (False, 8), (False, 12), (True, 8)]  # the sizes, before anything starts
    assert set(scored) == {16}
    with pytest.raises(RecipeError, match=r"sizes has 4 px.*8 px or more"):
        Trainer(make_net(), RECIPE.replace(sizes=((0.5, 4),)), progress=False).fit(make_set())


def test_frozen_layers_stay(make_net: Nets, make_set: Sets) -> None:
    model = make_net()
    seen: list[Tensor] = []
    recipe = RECIPE.replace(freeze=(("conv", 0.5),), weight_decay=0.1)
    hook = lambda *_: seen.append(model.conv.weight.detach().clone())  # noqa: E731
    Trainer(model, recipe, progress=False, on_step=hook).fit(make_set())
    moved = [not torch.equal(a, b) for a, b in itertools.pairwise(seen)]
    assert moved == [True] * 5 + [False] * 6
    assert model.conv.weight.requires_grad


@pytest.mark.parametrize("average", ["ema", "tail"])
def test_the_average_is_what_is_evaluated_and_saved(
    average: str, tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    recipe = RECIPE.replace(average=average, average_every=1, average_decay=0.8, precision="fp32")
    plain, averaged = make_net(), make_net()
    Trainer(plain, RECIPE.replace(precision="fp32"), progress=False).fit(make_set())
    trainer = Trainer(averaged, recipe, progress=False, output_dir=tmp_path)
    history = trainer.fit(make_set(), make_set(32, seed=1))
    assert trainer.state is not None
    assert torch.equal(averaged.conv.weight, trainer.state.average.shadow[0])
    assert not torch.equal(averaged.conv.weight, plain.conv.weight)
    assert history.last.test_loss == evaluate(averaged, make_set(32, seed=1)).loss


@pytest.mark.parametrize("settings, steps", [({"epochs": 2.5}, 10), ({"steps": 6}, 6), ({"steps": 8}, 8)])
def test_a_run_may_end_within_an_epoch(
    settings: dict[str, Any], steps: int, tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    recipe = RECIPE.replace(**settings)
    history = Trainer(make_net(), recipe, output_dir=tmp_path, progress=False).fit(make_set(64), make_set(8))
    assert history.last.step == steps
    assert history.last.epoch == math.ceil(steps / 4)
    assert history.last.lr == 0.0
    assert load_weights(tmp_path)[1].epochs == steps / 4
    before = (tmp_path / "model.json").stat().st_mtime_ns
    assert Trainer(make_net(), recipe, output_dir=tmp_path, progress=False).fit(make_set(64), make_set(8)) == history
    assert (tmp_path / "model.json").stat().st_mtime_ns == before


def test_a_run_may_end_by_the_clock(make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that gains a second a step, and one at either end of each epoch."""
    now = itertools.count()
    monkeypatch.setattr("cifarzoo.training.trainer.time.perf_counter", lambda: float(next(now)))
    recipe = RECIPE.replace(seconds=10.0, schedule="linear", warmup_epochs=0, average="tail", average_every=1)
    rates: list[float] = []
    trainer = Trainer(make_net(), recipe, progress=False, on_step=lambda *_: rates.append(trainer.state.lr))  # type: ignore[union-attr]
    history = trainer.fit(make_set(64), make_set(8))
    assert history.last.step == 8
    assert [record.seconds for record in history.records] == [5.0, 5.0]
    assert rates == pytest.approx([0.1 * (1 - min(1, 12 * second / 10 / 11)) for second in (0, 1, 2, 3, 5, 6, 7, 8)])


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixing_trains_on_soft_targets(mix: str, make_net: Nets, make_set: Sets) -> None:
    plain = Trainer(make_net(), RECIPE, progress=False).fit(make_set())
    mixed = Trainer(make_net(), RECIPE.replace(mix=mix), progress=False).fit(make_set())
    assert mixed.last.train_loss > plain.last.train_loss
    never = Trainer(make_net(), RECIPE.replace(mix=mix, mix_prob=0.0), progress=False).fit(make_set())
    assert never.last.train_loss == pytest.approx(plain.last.train_loss, rel=1e-3)


def test_a_second_result_with_views(
    tmp_path: Path, make_net: Nets, make_set: Sets, capsys: pytest.CaptureFixture[str]
) -> None:
    model, test = make_net(), make_set(33, seed=1)
    history = Trainer(model, RECIPE.replace(views=6), output_dir=tmp_path).fit(make_set(), test)
    expected = evaluate(model, test, views=6).top1
    assert load_weights(tmp_path)[1].top1_views == expected
    assert load_weights(tmp_path)[1].top1 == history.last.test_top1
    assert f"test {expected:.2f} % with 6 views" in capsys.readouterr().err


def test_a_held_out_part_selects_the_epoch(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    seen: list[Tensor] = []
    model, test, holdout = make_net(), make_set(32, seed=1), make_set(32, seed=2)
    trainer = Trainer(
        model,
        RECIPE.replace(lr=2.0, schedule="constant", precision="fp32"),  # it jumps about
        output_dir=tmp_path,
        progress=False,
        on_epoch=lambda _: seen.append(model.conv.weight.detach().clone()),
    )
    history = trainer.fit(make_set(), test, holdout=holdout)
    scores = [record.holdout_top1 or 0.0 for record in history.records]
    assert torch.equal(model.conv.weight, seen[scores.index(max(scores))])
    card = load_weights(tmp_path)[1]
    assert card.top1 == evaluate(model, test).top1
    assert evaluate(model, holdout).top1 == max(scores)


def test_compiled_training_saves_plain_names(
    tmp_path: Path, make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[tuple[nn.Module, bool]] = []
    monkeypatch.setattr(torch, "compile", lambda model, *, dynamic: compiled.append((model, dynamic)) or model.__call__)
    model = make_net()
    Trainer(model, RECIPE.replace(compile=True), progress=False, output_dir=tmp_path).fit(make_set())
    assert compiled == [(model, False)]
    assert load_weights(tmp_path)[0].keys() == model.state_dict().keys()


def test_the_last_epoch_is_always_evaluated(make_net: Nets, make_set: Sets) -> None:
    recipe = RECIPE.replace(epochs=5, evaluate_every=2)
    history = Trainer(make_net(), recipe, progress=False).fit(make_set(), make_set(8))
    assert [record.test_top1 is not None for record in history.records] == [False, True, False, True, True]
    assert all(
        record.test_top1 is None for record in Trainer(make_net(), recipe, progress=False).fit(make_set()).records
    )
