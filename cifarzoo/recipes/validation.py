"""What a field of a recipe may hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from cifarzoo.errors import RecipeError


def check_known(name: str, known: Sequence[str]) -> None:
    """Raise RecipeError for a name that is no field."""
    if name not in known:
        nearest = ", ".join(get_close_matches(name, known, n=3, cutoff=0.0))
        raise RecipeError(f"a recipe has no field {name!r}; nearest: {nearest}")


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise RecipeError unless the value is one of the choices."""
    if value not in choices:
        raise RecipeError(f"{name} (={value!r}) must be one of: {', '.join(map(str, choices))}")


def check_range(name: str, value: float | None, *, low: float, high: float = math.inf, ends: str = "[)") -> None:
    """Raise RecipeError unless the value lies between low and high, or is None.

    Args:
        name: of the field.
        value: what it holds.
        low: the lower end.
        high: the upper end.
        ends: which ends belong to it, as in ``[)``.
    """
    if value is None:
        return
    above = value >= low if ends[0] == "[" else value > low
    below = value <= high if ends[1] == "]" else value < high
    if not above or not below:
        least = "at least" if ends[0] == "[" else "above"
        most = "" if high == math.inf else f" and {'at most' if ends[1] == ']' else 'below'} {high}"
        raise RecipeError(f"{name} (={value!r}) must be {least} {low}{most}")


def coerce(name: str, value: Any, annotation: Any) -> Any:
    """The value if it is of its field's type, lists as tuples; RecipeError otherwise.

    An int stands for a float, a bool for nothing else.
    """
    if not _fits(value, annotation):
        raise RecipeError(f"{name} (={value!r}) must be of type {_spelled(annotation)}")
    return _tuples(value)


def parse(name: str, text: str, annotation: Any) -> Any:
    """A field's value from text: JSON unless the field is text itself; ``none`` for None."""
    if annotation is str:
        return text
    if type(None) in get_args(annotation) and text.lower() in ("none", "null"):
        return None
    if str in get_args(annotation):
        return text
    try:
        return json.loads(text.lower() if annotation is bool else text)
    except ValueError:
        raise RecipeError(f"{name} (={text!r}) must be of type {_spelled(annotation)}, as JSON") from None


def _fits(value: Any, annotation: Any) -> bool:
    """Whether a value is of a type: str, int, float, bool, a union of these, or a tuple of them."""
    if get_origin(annotation) is tuple:
        if not isinstance(value, (tuple, list)):
            return False
        kinds = get_args(annotation)
        kinds = (kinds[0],) * len(value) if kinds[-1] is Ellipsis else kinds
        return len(kinds) == len(value) and all(_fits(item, kind) for item, kind in zip(value, kinds, strict=True))
    if get_args(annotation):
        return any(_fits(value, kind) for kind in get_args(annotation))
    if isinstance(value, bool):
        return annotation is bool
    if annotation is float:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, annotation)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, (tuple, list)) else value


def _spelled(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
