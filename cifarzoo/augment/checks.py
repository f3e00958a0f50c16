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
