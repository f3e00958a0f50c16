"""Gamma, beta and Dirichlet draws from counter-based uniform ones."""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.draws import Draws

_TRIES = 16  # each is accepted with a probability above 0.95: all of 16 fail once in 10^20


def _log_gamma_variates(draws: Draws, slot: str, alpha: float, n: int) -> Tensor:
    """Logarithms (B, n) of gamma variates of shape ``alpha`` (Marsaglia and Tsang, 2000); small shapes by a power."""
    shape = alpha + 1.0 if alpha < 1.0 else alpha
    d = shape - 1.0 / 3.0
    normal = draws.normal(f"{slot}.normal", n * _TRIES).view(-1, n, _TRIES)
    uniform = draws.uniform(f"{slot}.uniform", n * _TRIES).view(-1, n, _TRIES)
    cube = (1.0 + normal / (9.0 * d) ** 0.5).clamp_min(0.0) ** 3
    accepted = (uniform.log() < 0.5 * normal**2 + d - d * cube + d * cube.log()) & (cube > 0.0)
    first = accepted.to(torch.uint8).argmax(2, keepdim=True)  # (B, n, 1)
    logarithm: Tensor = (d * cube.gather(2, first)[..., 0]).log()
    if alpha < 1.0:
        logarithm = logarithm + torch.log1p(-draws.uniform(f"{slot}.power", n)) / alpha
    return logarithm


def dirichlet(draws: Draws, slot: str, alpha: float, n: int) -> Tensor:
    """(B, n) float64 shares that sum to 1, of the symmetric Dirichlet distribution."""
    return _log_gamma_variates(draws, slot, alpha, n).softmax(1)


def beta(draws: Draws, slot: str, alpha: float) -> Tensor:
    """(B,) float64 of the symmetric beta distribution."""
    return dirichlet(draws, slot, alpha, 2)[:, 0]
