from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cifarzoo.data.loader import Loader
from cifarzoo.recipes import Recipe
from cifarzoo.recipes.recipe import CHOICES
from cifarzoo.training.guard import Guard, batch_indices, diverged
from cifarzoo.training.optim import create_optimizer


def tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    inner = [value for values in optimizer.state.values() for value in values.values()]
    return [tensor.clone() for tensor in (*model.state_dict().values(), *inner)]


def step(model: nn.Module, guard: Guard, number: int, poison: str | None = None) -> bool:
    guard.remember()
    images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(number))
    if poison == "input":
        images[0, 0, 0, 0] = math.inf
    loss = model(images).square().mean()
    if poison == "loss":
        loss = loss * math.nan
    loss.backward()
    if poison == "gradient":
        model.head.weight.grad[0, 0] = -math.inf
    return bool(guard.update(loss.detach(), step=number))


@pytest.mark.parametrize("optimizer", CHOICES["optimizer"])
@pytest.mark.parametrize("poison", ["input", "loss", "gradient"])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
@pytest.mark.parametrize("first", [1, 2])
def test_a_step_that_is_not_finite_leaves_everything_as_it_was(
    optimizer: str, poison: str, clip_norm: float | None, first: int, make_net: Callable[..., nn.Module]
) -> None:
    model, twin = make_net(), make_net()
    model.drop, twin.drop = nn.Identity(), nn.Identity()
    recipe = Recipe(optimizer=optimizer)
    cpu = torch.device("cpu")
    used, other = create_optimizer(model, recipe), create_optimizer(twin, recipe)
    guard, control = (Guard(net, opt, clip_norm=clip_norm, device=cpu) for net, opt in ((model, used), (twin, other)))
    for number in range(1, first):
        assert step(model, guard, number) and step(twin, control, number)
    before = tensors(model, used)
    assert not step(model, guard, first, poison)
    assert all(torch.equal(one, two) for one, two in zip(before, tensors(model, used), strict=True))
    assert guard.read() == (1, first)
    assert guard.read() == (0, 0)
    for number in (7, 8):  # and goes on as if it had never been
        assert step(model, guard, number) and step(twin, control, number)
    assert all(torch.equal(one, two) for one, two in zip(tensors(model, used), tensors(twin, other), strict=True))


def test_counts_and_the_first_of_several(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    guard = Guard(model, create_optimizer(model, Recipe()), clip_norm=None, device=torch.device("cpu"))
    for number, poison in enumerate((None, "loss", None, "loss", "input"), 1):
        step(model, guard, number, poison)
    assert guard.read() == (3, 2)


@pytest.mark.parametrize("clip_norm, expected", [(None, 10.0), (1.0, 1.0), (100.0, 10.0)])
def test_clipping_scales_all_gradients_together(clip_norm: float | None, expected: float) -> None:
    model = nn.Linear(2, 2)
    start = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, fused=True)
    model.weight.grad, model.bias.grad = torch.full((2, 2), 3.0), torch.full((2,), 32.0**0.5)
    Guard(model, optimizer, clip_norm=clip_norm, device=torch.device("cpu")).update(torch.tensor(0.0), step=1)
    moved = [before - parameter.detach() for before, parameter in zip(start, model.parameters(), strict=True)]
    assert torch.cat([tensor.flatten() for tensor in moved]).norm().item() == pytest.approx(expected, rel=1e-5)
    assert model.weight.grad is None


def test_indices_are_those_of_the_loader(make_set: Callable[..., Any]) -> None:
    dataset = make_set(50)
    dataset.targets = torch.arange(50)
    dataset.classes = tuple(map(str, range(50)))
    loader = Loader(dataset, 16, seed=3)
    step = 0
    for epoch in range(2):
        loader.set_epoch(epoch)
        for _, targets in loader:
            step += 1
            assert batch_indices(step, seed=3, images=50, batch_size=16) == targets.tolist()


def test_the_error_names_what_helps() -> None:
    error = diverged(17, lr=0.25, indices=list(range(20)), last_good="step-16")
    for part in ("step 17", "lr=0.25", "images 0, 1, 2, 3, 4, 5, 6, 7, ...", "step-16", "lower lr"):
        assert part in str(error)
    assert error.indices == list(range(20))
    assert "checkpoint: none" in str(diverged(1, lr=1.0, indices=[5], last_good=None))
