from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.errors import DivergedError, RecipeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.lr_finder import _steepest, find_lr

RECIPE = Recipe(batch_size=16, augment="none", precision="fp32")


def test_finds_where_the_loss_falls_and_ends_where_it_explodes(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model = make_net()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    found = find_lr(model, RECIPE, make_set(64), lowest=1e-4, highest=1e4, steps=60)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert 10 < len(found.lrs) == len(found.losses) < 60
    ratios = [b / a for a, b in zip(found.lrs, found.lrs[1:], strict=False)]
    assert ratios == pytest.approx([(1e8) ** (1 / 59)] * len(ratios))
    assert all(math.isfinite(loss) for loss in found.losses)
    assert min(found.losses) < 0.95 * found.losses[0]
    assert 1e-4 < found.suggested <= found.lrs[found.losses.index(min(found.losses))]
    assert found == find_lr(model, RECIPE, make_set(64), lowest=1e-4, highest=1e4, steps=60)


def test_a_usable_suggestion(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    from cifarzoo.training import Trainer

    suggested = find_lr(make_net(), RECIPE, make_set(64), highest=100.0, steps=80).suggested
    recipe = RECIPE.replace(lr=suggested, epochs=10, warmup_epochs=1)
    history = Trainer(make_net(), recipe, progress=False).fit(make_set(64), make_set(32, seed=1))
    assert history.last.test_top1 > 90


def test_the_steepest_fall_before_the_lowest_loss() -> None:
    assert _steepest([1, 2, 3, 4, 5], [5.0, 4.9, 3.0, 2.9, 9.0]) == 2
    assert _steepest([1, 2, 3], [1.0, 2.0, 3.0]) == 1


def test_the_network_and_the_steps_are_those_of_a_run(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    seen: list[torch.Size] = []
    model = make_net()
    type(model).initialize_from = lambda _, images: seen.append(images.shape)  # type: ignore[attr-defined]
    try:
        plain, clipped = (find_lr(model, RECIPE.replace(clip_norm=norm), make_set(64)) for norm in (None, 1e-6))
    finally:
        del type(model).initialize_from
    assert seen == [(64, 3, 16, 16)] * 2
    assert plain.losses[0] == clipped.losses[0]
    assert plain.losses[-1] != clipped.losses[-1]


def test_a_loss_that_is_never_finite_is_said(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    with torch.no_grad():
        model.head.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="not finite before the first step"):
        find_lr(model, RECIPE, make_set(64))


def test_a_range_that_is_too_coarse_is_said(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(SettingError, match=r"after [1-4] of 10 steps.*lower lowest \(=0\.1\) or highest"):
        find_lr(make_net(), RECIPE, make_set(64), lowest=0.1, highest=1e30, steps=10)


def test_what_cannot_be_tested(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    unbounded = ({"highest": float("inf")}, {"highest": 1e300}, {"highest": float("nan")}, {"lowest": float("nan")})
    for settings in ({"lowest": 0.0}, {"lowest": 1.0, "highest": 0.5}, {"steps": 3}, *unbounded):
        with pytest.raises(SettingError, match="lowest"):
            find_lr(make_net(), RECIPE, make_set(64), **settings)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="batch_size"):
        find_lr(make_net(), RECIPE, make_set(8))
    with pytest.raises(SettingError, match=r"gives \(2, 7\)"):
        find_lr(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 7)), RECIPE, make_set(64))
