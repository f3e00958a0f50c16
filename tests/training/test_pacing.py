from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cifarzoo.draws import Draws
from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.averaging import Average
from cifarzoo.training.losses import Meter
from cifarzoo.training.pacing import Course, Freezer
from cifarzoo.training.schedules import lr_fraction
from cifarzoo.training.selection import Selection
from cifarzoo.training.state import RunState


def state(step: int = 0, epoch_s: float = 0.0) -> RunState:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    average, meter = Average(model, Recipe()), Meter("cpu")
    selection = Selection(model, enabled=False)
    return RunState(
        model=model, optimizer=optimizer, average=average, selection=selection, meter=meter, step=step, epoch_s=epoch_s
    )


@pytest.mark.parametrize(
    "settings, total, epochs",
    [
        ({"epochs": 4}, 40, 4),
        ({"epochs": 2.25}, 22, 3),
        ({"epochs": 0.01}, 1, 1),
        ({"epochs": 4, "steps": 25}, 25, 3),
        ({"epochs": 4, "seconds": 9.0}, 40, None),
    ],
)
def test_how_long_a_run_is(settings: dict[str, Any], total: int, epochs: int | None) -> None:
    course = Course(Recipe(**settings), 10)
    assert (course.total, course.epochs) == (total, epochs)


@given(st.integers(16, 3000), st.sampled_from(["linear", "cosine", "onecycle", "triangle", "wsd"]))
def test_each_step_has_the_learning_rate_of_its_schedule(steps: int, schedule: str) -> None:
    recipe = Recipe(steps=steps, lr=0.3, schedule=schedule, warmup_epochs=1.5, final_lr_frac=0.1)
    course = Course(recipe, 10)
    for step in {0, steps // 3, steps // 2, steps - 1}:
        expected = 0.3 * lr_fraction(schedule, step, total=steps, warmup=15, final_frac=0.1)
        assert course.lr(course.done(state(step))) == expected
    assert course.done(state(steps)) == 1


@pytest.mark.parametrize("length", [{"steps": 15}, {"steps": 3}, {"epochs": 1.54, "steps": None}])
def test_a_warm_up_as_long_as_the_run_is_refused(length: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"warmup_epochs \(=1\.5\) are 15 steps of \d+; lower it"):
        Course(Recipe(warmup_epochs=1.5, **length), 10)


def test_epochs_and_peak() -> None:
    course = Course(Recipe(epochs=4, lr=0.2, warmup_epochs=1.5, schedule="linear", final_lr_frac=0.1), 10)
    rates = [course.lr(course.done(state(step))) for step in range(40)]
    assert rates.index(max(rates)) == 15
    assert max(rates) == pytest.approx(0.2)
    assert rates[-1] == pytest.approx(0.02)


def test_the_clock_may_decide() -> None:
    course = Course(Recipe(epochs=4, lr=0.2, seconds=8.0, schedule="linear"), 11)
    assert [course.done(state(step=99, epoch_s=seconds)) for seconds in (0.0, 2.0, 8.0, 9.0)] == [0, 0.25, 1, 1]
    assert course.lr(0.0) == pytest.approx(0.2)
    assert course.lr(0.5) == pytest.approx(0.2 * (1 - 22 / 43))
    assert course.lr(1.0) == 0.0


def test_a_run_too_short_for_its_average() -> None:
    with pytest.raises(RecipeError, match=r"average_every \(=5\).*9 steps"):
        Course(Recipe(steps=9, average="tail", average_start=0.6), 10)
    Course(Recipe(steps=9, average="tail", average_start=0.5), 10)


def test_sizes_rise_and_end_with_the_pictures_own() -> None:
    course = Course(Recipe(sizes=((0.25, 16), (0.5, 24))), 10)
    assert [course.size_px(step / 8) for step in range(8)] == [16, 16, 24, 24, None, None, None, None]
    assert Course(Recipe(), 10).size_px(0.0) is None


@pytest.mark.parametrize("shrink", ["resize", "window"])
def test_a_course_shrinks_in_the_recipe_s_way(shrink: str) -> None:
    course = Course(Recipe(sizes=((0.5, 3),), shrink=shrink), 10)
    images = torch.arange(36.0).view(1, 1, 6, 6)
    draws = Draws(0, 0, torch.arange(1))
    small = course.shrink(images, 0.4, draws)
    assert small.shape == (1, 1, 3, 3)
    assert (set(small.flatten().tolist()) <= set(images.flatten().tolist())) == (shrink == "window")
    assert course.shrink(images, 0.5, draws) is images


def trainable(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_layers_freeze_when_due_and_learn_again_afterwards(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    model.norm.bias.requires_grad_(False)  # the user's own choice stays
    recipe = Recipe(freeze=(("conv", 0.5), ("norm", 0.75)))
    with Freezer(model, recipe) as freezer:
        freezer.apply(0.49)
        assert trainable(model) == {"conv.weight", "norm.weight", "head.weight", "head.bias"}
        freezer.apply(0.5)
        assert trainable(model) == {"norm.weight", "head.weight", "head.bias"}
        freezer.apply(0.9)
        assert trainable(model) == {"head.weight", "head.bias"}
    assert trainable(model) == {"conv.weight", "norm.weight", "head.weight", "head.bias"}


def test_names_that_do_not_exist_and_nothing_left(make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(RecipeError, match="'stem'"):
        Freezer(make_net(), Recipe(freeze=(("stem", 0.0),)))
    with pytest.raises(RecipeError, match="no parameter to learn"):
        Freezer(make_net(), Recipe(freeze=(("", 0.0),)))
