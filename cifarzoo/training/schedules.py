"""Learning rate schedules: pure functions of the step that give a fraction of the peak learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from cifarzoo.errors import RecipeError

Schedule = Callable[[float, int, int, float], float]


def constant(step: float, total: int, warmup: int, final_frac: float) -> float:
    """1 after a linear warm-up; ``final_frac`` is not used."""
    return _warmed(step, warmup) if step < warmup else 1.0


def linear(step: float, total: int, warmup: int, final_frac: float) -> float:
    """A straight line from 1 down to ``final_frac`` after a linear warm-up."""
    if step < warmup:
        return _warmed(step, warmup)
    return 1.0 + (final_frac - 1.0) * _part(step, warmup, total)


def cosine(step: float, total: int, warmup: int, final_frac: float) -> float:
    """Half a cosine from 1 down to ``final_frac`` after a linear warm-up (Loshchilov and Hutter, "SGDR", 2017)."""
    if step < warmup:
        return _warmed(step, warmup)
    return _half_cosine(1.0, final_frac, _part(step, warmup, total))


def onecycle(step: float, total: int, warmup: int, final_frac: float) -> float:
    """Half a cosine up from 1/25, half a cosine down (Smith and Topin, "Super-convergence", 2018)."""
    if step < warmup:
        return _half_cosine(1 / 25, 1.0, step / warmup)
    return _half_cosine(1.0, final_frac, _part(step, warmup, total))


def triangle(step: float, total: int, warmup: int, final_frac: float) -> float:
    """Straight up from 1/5, straight down to ``final_frac`` (Jordan, "94 % on CIFAR-10 in 3.29 seconds", 2024)."""
    if step < warmup:
        return 0.2 + 0.8 * step / warmup
    return linear(step, total, warmup, final_frac)


def wsd(step: float, total: int, warmup: int, final_frac: float) -> float:
    """Warm-up, then 1, then straight down in the last fifth (Hu et al., "MiniCPM", 2024; Hägele et al., 2024)."""
    if step < warmup:
        return _warmed(step, warmup)
    falling = max(warmup, total - 1 - max(1, total // 5))
    return 1.0 if step <= falling else linear(step, total, falling, final_frac)


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "onecycle": onecycle,
    "triangle": triangle,
    "wsd": wsd,
}


def lr_fraction(name: str, step: float, *, total: int, warmup: int = 0, final_frac: float = 0.0) -> float:
    """The learning rate of a step as a fraction of its peak.

    Args:
        name: one of ``SCHEDULES``.
        step: 0 for the first step, ``total - 1`` for the last; or a place between two.
        total: steps of the whole run.
        warmup: steps before the peak.
        final_frac: what the last step gets, in [0, 1].

    Returns:
        A number in [0, 1]; 1 at step ``warmup``.

    Raises:
        RecipeError: no schedule of that name.
    """
    if name not in SCHEDULES:
        raise RecipeError(f"schedule (={name!r}) must be one of: {', '.join(SCHEDULES)}")
    return SCHEDULES[name](step, total, warmup, final_frac)


def _warmed(step: float, warmup: int) -> float:
    """Linear from 1/(warmup + 1) to just below 1: no step is wasted on a learning rate of 0."""
    return (step + 1) / (warmup + 1)


def _part(step: float, start: int, total: int) -> float:
    """How much of the way from step ``start`` to the last step is done, in [0, 1]."""
    return min(1.0, (step - start) / max(1, total - 1 - start))


def _half_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1.0 + math.cos(math.pi * part)) / 2
