"""Our Muon against torch's and timm's: time of a step on a model's filters and matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from timm.optim.muon import Muon as TimmsMuon
from torch import Tensor

import cifarzoo
from cifarzoo import recipes
from cifarzoo.bench.contest import environment, race
from cifarzoo.errors import SettingError
from cifarzoo.training import keep_freed_memory
from cifarzoo.training.muon import Muon
from cifarzoo.training.optim import parameter_groups

MODELS = ("speednet", "wide_residual_cnn")
_ITERATIONS = 3  # of Newton and Schulz, for all alike: as many as ours makes
_LR, _MOMENTUM = 0.01, 0.6


def bench_muon(
    *,
    models: tuple[str, ...] = MODELS,
    rounds: int = 5,
    steps: int = 3,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure steps on the CPU, each contestant on parameters of its own with the same random gradients.

    torch's takes matrices alone, so its filters are flattened beforehand.

    Args:
        models: names; a contest for each.
        rounds: how often each contestant runs, forwards and backwards in turn.
        steps: in each of its turns.
        say: is told how far it is.

    Returns:
        A record of JSON values: milliseconds a step, and our time in units of each other's.

    Raises:
        SettingError, UnknownModelError: an argument outside what is legal.
    """
    if rounds < 1 or steps < 1:
        raise SettingError(f"rounds (={rounds}) and steps (={steps}) must be at least 1")
    keep_freed_memory()
    contests = []
    for model in models:
        weights = _weights(model)
        entries = {name: _turn(make(weights), steps) for name, make in CONTESTANTS.items()}
        rates = race(entries, rounds=rounds)
        ours = next(iter(CONTESTANTS))
        ratios = {name: round(1 / rates.ratio(ours, name), 4) for name in rates.of if name != ours}
        ms = {name: round(1e3 / rates.median(name), 2) for name in rates.of}
        parameters = sum(weight.numel() for weight in weights)
        contests.append({"model": model, "parameters": parameters, "ms_a_step": ms, "our_time_in_units_of": ratios})
        say(f"{model}: {', '.join(f'{name} {value} ms' for name, value in ms.items())}")
    return {
        "kind": "muon benchmark",
        "iterations": _ITERATIONS,
        "rounds": rounds,
        "environment": environment("timm"),
        "contests": contests,
    }


def _weights(model: str) -> list[Tensor]:
    """The weights that Muon takes, with gradients."""
    recipe = recipes.get("speed/c94")
    groups = parameter_groups(cifarzoo.create(model, num_classes=10, seed=0), recipe)
    weights: list[Tensor] = [weight for group in groups if group["orthogonal"] for weight in group["params"]]
    generator = torch.Generator().manual_seed(0)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)
    return weights


def _copies(weights: list[Tensor], *, flat: bool = False) -> list[Tensor]:
    """Parameters and gradients of their own, on request as matrices."""
    copies: list[Tensor] = []
    for weight in weights:
        value, gradient = weight.detach().clone(), weight.grad
        copy = torch.nn.Parameter(value.flatten(1) if flat else value)
        copy.grad = None if gradient is None else gradient.clone().view_as(copy)
        copies.append(copy)
    return copies


def _ours(weights: list[Tensor], dtype: torch.dtype = torch.float32) -> torch.optim.Optimizer:
    group = {"params": _copies(weights), "orthogonal": True}  # and nothing for the optimiser of the rest
    return Muon([group], lr=_LR, momentum=_MOMENTUM, rest=torch.optim.SGD, dtype=dtype)


def _torchs(weights: list[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Muon(_copies(weights, flat=True), lr=_LR, momentum=_MOMENTUM, ns_steps=_ITERATIONS)


def _timms(weights: list[Tensor]) -> torch.optim.Optimizer:
    alike: dict[str, Any] = {"nesterov": True, "ns_steps": _ITERATIONS, "ns_coefficients": "original"}
    return TimmsMuon(_copies(weights), lr=_LR, momentum=_MOMENTUM, **alike)


CONTESTANTS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "cifarzoo": _ours,
    "cifarzoo, bf16": lambda weights: _ours(weights, torch.bfloat16),
    "torch": _torchs,
    "timm": _timms,
}
"""The first, fp32 as on most CPUs, is measured against the others, which compute in bf16."""


def _turn(optimizer: torch.optim.Optimizer, steps: int) -> Callable[[], int]:
    def run() -> int:
        for _ in range(steps):
            optimizer.step()
        return steps

    return run
