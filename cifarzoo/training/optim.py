"""Optimisers from a recipe."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups for an optimiser: weights with decay; norms, biases, position embeddings and the like without.

    Args:
        model: its trainable parameters are taken, each once.
        weight_decay: for matrices and filters, that is parameters named ``weight`` of two dimensions or more.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in trainable if name.endswith("weight") and parameter.ndim > 1]
    plain = [parameter for name, parameter in trainable if not (name.endswith("weight") and parameter.ndim > 1)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def create_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over a model's trainable parameters.

    Raises:
        RecipeError: the model has no trainable parameter.
    """
    groups = parameter_groups(model, recipe.weight_decay)
    if not groups:
        raise RecipeError("the model has no trainable parameter; set requires_grad on some")
    optimizer = _construct(groups, recipe)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = _first_state(recipe, parameter)
    return optimizer


def _construct(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser itself, its state still empty."""
    betas = (recipe.momentum, recipe.beta2)
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0  # torch refuses Nesterov's form without momentum
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr, betas=betas, fused=True)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=betas, fused=True)


def _first_state(recipe: Recipe, parameter: Tensor) -> dict[str, Tensor]:
    """What the optimiser would make at its first step: there from the start, a state can be restored into it."""
    if recipe.optimizer == "sgd":
        return {"momentum_buffer": torch.zeros_like(parameter)} if recipe.momentum else {}
    step = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return {"step": step, "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every parameter group its learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
