"""Strengths are checked when an operation is made, not in the middle of an epoch."""

from __future__ import annotations

from cifarzoo.errors import SettingError


def check_probability(name: str, value: float) -> None:
    """Raise SettingError unless the value is a probability."""
    if not 0.0 <= value <= 1.0:
        raise SettingError(f"{name} (={value}) must be a probability; choose a value from 0 to 1")


def check_strength(name: str, value: float, *, limit: float = float("inf")) -> None:
    """Raise SettingError unless the value lies in [0, limit]."""
    if not 0.0 <= value <= limit:
        wanted = "at least 0" if limit == float("inf") else f"from 0 to {limit:g}"
        raise SettingError(f"{name} (={value}) must be {wanted}; 0 turns it off")


def check_count(name: str, value: int, *, least: int = 0, most: int | None = None) -> None:
    """Raise SettingError unless the value is a whole number in [least, most]."""
    if not isinstance(value, int) or value < least or (most is not None and value > most):
        wanted = f"at least {least}" if most is None else f"from {least} to {most}"
        raise SettingError(f"{name} (={value!r}) must be a whole number {wanted}")


def check_range(name: str, value: tuple[float, float], *, low: float, high: float = float("inf")) -> None:
    """Raise SettingError unless (a, b) has low <= a <= b <= high, and a > 0 where ``low`` is 0."""
    first, last = value
    if not low <= first <= last <= high or (low == 0.0 and first == 0.0):
        limits = f"above {low:g}" if low == 0.0 else f"from {low:g}"
        upper = "" if high == float("inf") else f" to {high:g}"
        raise SettingError(f"{name} (={value}) must be two numbers {limits}{upper}, the lower one first")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise SettingError unless the value is one of the choices."""
    if value not in choices:
        raise SettingError(f"{name} (={value!r}) must be one of: {', '.join(choices)}")


def check_positive(name: str, value: float) -> None:
    """Raise SettingError unless the value is above 0."""
    if not value > 0.0:
        raise SettingError(f"{name} (={value}) must be above 0")


def check_interpolation(value: str) -> None:
    """Raise SettingError unless the value names an interpolation of warps."""
    check_choice("interpolation", value, ("nearest", "bilinear"))
