from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from cifarzoo.recipes import Recipe
from cifarzoo.training.muon import _COEFFICIENTS, Muon, orthogonalize
from cifarzoo.training.optim import create_optimizer


def oracle(matrix: Tensor, steps: int) -> Tensor:
    """The same polynomial on the singular values, in float64."""
    u, s, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    s = s / s.norm()
    for _ in range(steps):
        s = _COEFFICIENTS[0] * s + _COEFFICIENTS[1] * s**3 + _COEFFICIENTS[2] * s**5
    return u @ s.diag() @ v


@given(st.integers(1, 3), st.integers(1, 24), st.integers(1, 24), st.integers(1, 5), st.integers(0, 99))
def test_orthogonalize_against_the_svd(count: int, rows: int, columns: int, steps: int, seed: int) -> None:
    matrices = torch.randn(count, rows, columns, generator=torch.Generator().manual_seed(seed))
    found = orthogonalize(matrices, steps=steps)
    assert found.dtype == torch.float32
    expected = torch.stack([oracle(matrix, steps) for matrix in matrices]).float()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("steps", [3, 5])
def test_tiny_singular_values_are_not_lost_in_the_gram_matrix(steps: int) -> None:
    """Squared, those below 1e-4 of the largest drown in its rounding; the factor that they need is not theirs."""
    u, _, v = torch.linalg.svd(torch.randn(48, 200, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    matrix = u @ torch.logspace(0, -7, 48).diag() @ v
    found = orthogonalize(matrix[None], steps=steps)[0]
    assert torch.linalg.matrix_norm(found - oracle(matrix, steps).float(), 2) < 1e-3


@pytest.mark.parametrize("shape", [(64, 216), (216, 64), (32, 32)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix, steps=5)[0])
    assert values.median() == pytest.approx(1.0, abs=0.25)
    assert values.max() < 1.25
    u, _, v = torch.linalg.svd(matrix[0], full_matrices=False)
    aligned = (orthogonalize(matrix, steps=5)[0] * (u @ v)).sum() / len(values)
    assert aligned > 0.85


def test_bf16_is_close_and_comes_back_in_the_inputs_type() -> None:
    matrices = torch.randn(2, 16, 40, generator=torch.Generator().manual_seed(0))
    found = orthogonalize(matrices, dtype=torch.bfloat16)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, orthogonalize(matrices), rtol=0, atol=0.05)


def test_scale_does_not_matter_and_zero_stays_zero() -> None:
    matrices = torch.randn(1, 8, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(orthogonalize(matrices * 1000), orthogonalize(matrices), rtol=1e-3, atol=1e-4)
    assert not orthogonalize(torch.zeros(1, 4, 4)).any()


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3)
        self.third, self.linear, self.head = nn.Conv2d(8, 8, 3), nn.Linear(8, 32), nn.Linear(32, 5)

    def get_classifier(self) -> nn.Module:
        return self.head


def gradients(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("rest", ["sgd", "adamw"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_steps_are_those_of_the_formula_and_of_the_other_optimiser(rest: str, layout: torch.memory_format) -> None:
    recipe = Recipe(
        optimizer="muon", rest_optimizer=rest, lr=0.2, momentum=0.6, rest_momentum=0.85, weight_decay=0.1,
        head_lr_ratio=2.0, bias_lr_ratio=0.5,
    )  # fmt: skip
    model = Mixed().to(memory_format=layout)
    optimizer = create_optimizer(model, recipe)
    filters, matrix = model.second.weight.detach().clone(), model.linear.weight.detach().clone()
    head, bias = (nn.Parameter(parameter.detach().clone()) for parameter in (model.head.weight, model.head.bias))
    groups = [{"params": [head], "lr": 0.4, "weight_decay": 0.1}, {"params": [bias], "lr": 0.1, "weight_decay": 0.0}]
    twin: torch.optim.Optimizer = (
        torch.optim.SGD(groups, momentum=0.85, nesterov=True)
        if rest == "sgd"
        else torch.optim.AdamW(groups, betas=(0.85, 0.999))
    )
    for group in optimizer.param_groups:
        group["lr"] = 0.2 * group["lr_ratio"]
    velocity, speed = torch.zeros_like(filters), torch.zeros_like(matrix)
    for seed in range(3):
        gradients(model, seed)
        gradient, other = model.second.weight.grad.clone(), model.linear.weight.grad.clone()
        head.grad, bias.grad = model.head.weight.grad.clone(), model.head.bias.grad.clone()
        optimizer.step()
        twin.step()
        velocity = 0.6 * velocity + gradient
        update = oracle((gradient + 0.6 * velocity).flatten(1), 3).float().view_as(filters)
        filters = filters * 8**0.5 / filters.norm() - 0.2 * update
        speed = 0.6 * speed + other
        matrix = matrix * (1 - 0.2 * 0.1) - 0.2 * 2 * oracle(other + 0.6 * speed, 3).float()
        torch.testing.assert_close(model.second.weight.detach(), filters, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(model.linear.weight.detach(), matrix, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(model.head.weight, head)
        torch.testing.assert_close(model.head.bias, bias)


def test_parameters_without_a_gradient_stay() -> None:
    model = Mixed()
    optimizer = create_optimizer(model, Recipe(optimizer="muon"))
    gradients(model, 0)
    model.second.weight.grad = None
    before = model.second.weight.detach().clone()
    optimizer.step()
    assert torch.equal(model.second.weight, before)


def test_without_anything_else_to_update() -> None:
    weight = nn.Parameter(torch.eye(4))
    groups = [{"params": [weight], "orthogonal": True}]
    optimizer = Muon(groups, lr=0.1, momentum=0.9, rest=lambda _: pytest.fail("nothing is left"), dtype=torch.float32)
    weight.grad = torch.eye(4)
    optimizer.step()
    assert not torch.equal(weight, torch.eye(4))
    optimizer.zero_grad()


def step_of(device: str, found_inf: float | None) -> tuple[Tensor, Tensor]:
    """A parameter before and after a step."""
    weight = nn.Parameter(torch.eye(4, device=device))
    groups = [{"params": [weight], "orthogonal": True}]
    optimizer = Muon(groups, lr=0.1, momentum=0.9, rest=lambda _: pytest.fail("nothing is left"), dtype=torch.float32)
    optimizer.found_inf = None if found_inf is None else torch.tensor(found_inf, device=device)
    weight.grad = torch.full((4, 4), float("nan") if found_inf else 1.0, device=device)
    before = weight.detach().clone()
    optimizer.step()
    velocity = optimizer.state[weight]["momentum_buffer"]
    assert velocity.device.type == "meta" or bool(velocity.any()) is not bool(found_inf)
    return before, weight.detach()


@pytest.mark.parametrize("found_inf", [None, 0.0, 1.0])
def test_a_step_that_is_left_out_changes_nothing(found_inf: float | None) -> None:
    before, after = step_of("cpu", found_inf)
    assert torch.equal(before, after) is bool(found_inf)
    assert after.isfinite().all()


def test_a_device_is_not_waited_for() -> None:
    """Tensors without values cannot be asked for one."""
    step_of("meta", 1.0)


def test_learns(make_set: Callable[..., object], make_net: Callable[..., nn.Module]) -> None:
    from cifarzoo.training import Trainer

    recipe = Recipe(optimizer="muon", lr=0.2, momentum=0.6, epochs=12, batch_size=16, bias_lr_ratio=0.3, augment="none")
    history = Trainer(make_net(), recipe, progress=False).fit(make_set(64), make_set(32, seed=1))
    assert history.last.test_top1 > 90
