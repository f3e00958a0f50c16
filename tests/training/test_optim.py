from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.recipes.recipe import CHOICES
from cifarzoo.training.optim import create_optimizer, parameter_groups, set_lr


class WithEmbedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(1, 4, 8))
        self.linear, self.norm = nn.Linear(8, 8), nn.LayerNorm(8)
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.tied = self.linear


def test_only_weights_of_two_dimensions_or_more_decay_and_each_trainable_one_comes_once() -> None:
    model = WithEmbedding()
    decayed, plain = parameter_groups(model, Recipe(weight_decay=0.1))
    assert [decayed["weight_decay"], plain["weight_decay"]] == [0.1, 0.0]
    both = parameter_groups(model, Recipe(weight_decay=0.1, bias_weight_decay=0.2))
    assert [group["weight_decay"] for group in both] == [0.1, 0.2]
    assert [id(p) for p in decayed["params"]] == [id(model.linear.weight)]
    names = {name for name, p in model.named_parameters() if any(p is q for q in plain["params"])}
    assert names == {"positions", "linear.bias", "norm.weight", "norm.bias"}


@pytest.mark.parametrize("name", CHOICES["optimizer"])
def test_a_step_moves_every_parameter_and_decay_spares_the_biases(
    name: str, make_net: Callable[..., nn.Module]
) -> None:
    recipe = Recipe(optimizer=name, lr=0.01, weight_decay=0.5)
    for grad in (0.0, 1.0):
        model = make_net()
        before = {key: value.clone() for key, value in model.named_parameters()}
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, grad)
        create_optimizer(model, recipe).step()
        moved = {key: not torch.equal(before[key], value) for key, value in model.named_parameters()}
        # Muon gives filters their norm instead of a decay, gradient or not.
        expected = {key: grad > 0 or (key.endswith("weight") and before[key].ndim > 1) for key in moved}
        assert moved == expected


def test_head_and_vectors_have_learning_rates_of_their_own() -> None:
    class WithHead(WithEmbedding):
        def get_classifier(self) -> nn.Module:
            return self.linear

    recipe = Recipe(lr=0.1, head_lr_ratio=3.0, bias_lr_ratio=0.5, optimizer="adamw")
    optimizer = create_optimizer(WithHead(), recipe)
    set_lr(optimizer, 0.2)
    assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(0.6), pytest.approx(0.1)]
    assert [group["orthogonal"] for group in optimizer.param_groups] == [False, False]


@pytest.mark.parametrize("precision, dtype", [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_muon_multiplies_in_the_runs_precision(
    precision: str, dtype: torch.dtype, make_net: Callable[..., nn.Module]
) -> None:
    optimizer = create_optimizer(make_net(), Recipe(optimizer="muon"), precision=precision)
    assert optimizer._dtype == dtype  # type: ignore[attr-defined]


def test_sgd_is_nesterovs() -> None:
    """Against the formula: v = m v + g, w = w - lr (g + m v)."""
    model = nn.Linear(1, 1, bias=False)
    weight, velocity = model.weight.item(), 0.0
    optimizer = create_optimizer(model, Recipe(optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=0.0))
    for grad in (1.0, -0.5, 2.0):
        model.weight.grad = torch.tensor([[grad]])
        optimizer.step()
        velocity = 0.9 * velocity + grad
        weight -= 0.1 * (grad + 0.9 * velocity)
        assert model.weight.item() == pytest.approx(weight, abs=1e-6)


def test_sgd_without_momentum() -> None:
    assert create_optimizer(nn.Linear(1, 1), Recipe(optimizer="sgd", momentum=0.0)).defaults["nesterov"] is False


def test_set_lr_reaches_every_group(make_net: Callable[..., nn.Module]) -> None:
    optimizer = create_optimizer(make_net(), Recipe())
    set_lr(optimizer, 0.123)
    assert [group["lr"] for group in optimizer.param_groups] == [0.123] * 2


def test_nothing_to_train() -> None:
    with pytest.raises(RecipeError, match="no trainable parameter"):
        create_optimizer(nn.Linear(1, 1).requires_grad_(False), Recipe())
