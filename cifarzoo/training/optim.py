"""Optimisers from a recipe."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.muon import Muon


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The trainable parameters, each once, in up to three groups.

    Weights (named ``weight``, of two dimensions or more); those of the head, for a learning rate of their own; norms,
    biases, position embeddings and the like, for a rate and a decay of their own, by default none.

    Returns:
        Groups with ``params``, ``weight_decay``, ``lr_ratio`` (in units of the recipe's ``lr``), ``orthogonal`` (for
        Muon).
    """
    head = getattr(model, "get_classifier", nn.Identity)()
    in_head = {id(parameter) for parameter in head.parameters()}
    weights: list[Tensor] = []
    head_weights: list[Tensor] = []
    vectors: list[Tensor] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_weight = name.endswith("weight") and parameter.ndim > 1
            (vectors if not is_weight else head_weights if id(parameter) in in_head else weights).append(parameter)
    decay, vector_decay = recipe.weight_decay, recipe.bias_weight_decay
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": decay, "lr_ratio": 1.0, "orthogonal": recipe.optimizer == "muon"},
        {"params": head_weights, "weight_decay": decay, "lr_ratio": recipe.head_lr_ratio, "orthogonal": False},
        {"params": vectors, "weight_decay": vector_decay, "lr_ratio": recipe.bias_lr_ratio, "orthogonal": False},
    ]
    return [group for group in groups if group["params"]]


def create_optimizer(model: nn.Module, recipe: Recipe, *, precision: str = "fp32") -> torch.optim.Optimizer:
    """The recipe's optimiser over a model's trainable parameters, its state laid out already.

    Args:
        model: on its device.
        recipe: what to make.
        precision: ``fp32`` or ``bf16``, of Muon's matrix products.

    Raises:
        RecipeError: the model has no trainable parameter.
    """
    groups = parameter_groups(model, recipe)
    if not groups:
        raise RecipeError("the model has no trainable parameter; set requires_grad on some")
    if recipe.optimizer == "muon":
        optimizer: torch.optim.Optimizer = Muon(
            groups,
            lr=recipe.lr,
            momentum=recipe.momentum,
            rest=lambda others: _fused(recipe.rest_optimizer, others, recipe, recipe.rest_momentum),
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        )
    else:
        optimizer = _fused(recipe.optimizer, groups, recipe, recipe.momentum)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = _first_state(group, parameter)
    return optimizer


def _fused(name: str, groups: list[dict[str, Any]], recipe: Recipe, momentum: float) -> torch.optim.Optimizer:
    """One of torch's own, in the form that updates all parameters at once and heeds ``found_inf``."""
    if name == "sgd":  # torch refuses Nesterov's form without momentum
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=momentum, nesterov=momentum > 0, fused=True)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(groups, lr=recipe.lr, betas=(momentum, recipe.beta2), fused=True)


def _first_state(group: dict[str, Any], parameter: Tensor) -> dict[str, Tensor]:
    """What the optimiser would make at its first step: there from the start, a saved state can be restored into it."""
    if "betas" in group:
        step = torch.zeros((), dtype=torch.float32, device=parameter.device)
        return {"step": step, "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}
    has_momentum = group["momentum"] or group["orthogonal"]
    return {"momentum_buffer": torch.zeros_like(parameter)} if has_momentum else {}


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every parameter group its learning rate: its share of ``lr``."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_ratio"]
