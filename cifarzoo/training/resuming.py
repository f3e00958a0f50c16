"""Whether a run may be gone on with: the same recipe, model and data, or what differs."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cifarzoo import registry
from cifarzoo.errors import RecipeError, ResumeError
from cifarzoo.recipes import Recipe

_SAME_RUN = ("model", "train", "test", "holdout", "world_size")  # parts of environment.json that must be equal
_SAME_BITS = ("versions.torch", "threads", "device", "hardware", "cpu_capability", "precision")


class ResumeWarning(UserWarning):
    """A run goes on under circumstances that may change its last bits."""


def check_same_run(folder: Path, recipe: Recipe, environment: Mapping[str, Any]) -> None:
    """Raise ResumeError, naming what differs, unless the folder's run has this recipe, model and data."""
    then = {"recipe": _read_recipe(folder / "recipe.json"), **read_environment(folder)}
    now = {"recipe": json.loads(recipe.to_json()), **json.loads(json.dumps(environment))}  # tuples as lists there too
    for each in (then, now):  # a run of before the registered settings were noted
        if (model := each.get("model")) is not None:
            each["model"] = {**model, "settings": registry.resolved(model["arch"], model.get("settings", {}))}
    wanted = ("recipe", *_SAME_RUN)
    changed = _differences({key: then.get(key) for key in wanted}, {key: now.get(key) for key in wanted})
    if changed:
        raise ResumeError(
            f"{folder} holds another run: {'; '.join(changed)}; choose another folder, or resume='never' to replace it"
        )


def warn_of_changes(folder: Path, environment: Mapping[str, Any]) -> None:
    """Warn, naming what differs, if the result may not be bit for bit that of the unbroken run."""
    then, now = (dict(_flat(values)) for values in (read_environment(folder), environment))
    changed = _differences({key: then.get(key) for key in _SAME_BITS}, {key: now.get(key) for key in _SAME_BITS})
    if changed:
        warnings.warn(
            f"the run in {folder} goes on with {'; '.join(changed)}: its result may differ in the last bits",
            ResumeWarning,
            stacklevel=4,
        )


def warn_of_other_start(folder: Path, environment: Mapping[str, Any]) -> None:
    """Warn if the run began with other weights than the model has now, which the run's own then replace."""
    began = read_environment(folder).get("initial_weights")
    if began not in (None, environment.get("initial_weights")):
        warnings.warn(
            f"the run in {folder} began with other weights than this model has; it goes on with its own "
            "(resume='never' begins anew)",
            ResumeWarning,
            stacklevel=4,
        )


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, as ``name was ..., is ...``; long values such as hashes are named only."""
    before, after = dict(_flat(then)), dict(_flat(now))
    keys = [key for key in before | after if before.get(key) != after.get(key)]
    return [f"{key} was {_short(before.get(key))}, is {_short(after.get(key))}" for key in keys]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects as ``outer.inner`` names and their values."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:18]}...{text[-4:]}"


def read_environment(folder: Path) -> dict[str, Any]:
    """Where and with what the folder's run began; ResumeError if that is not there to be read."""
    return _read(folder / "environment.json")


def _read_recipe(path: Path) -> dict[str, Any]:
    """The run's recipe with the fields that it has by now: those that are new since then have their defaults."""
    try:
        recipe = Recipe.from_json(json.dumps(_read(path)), source=str(path))
    except RecipeError as error:
        raise ResumeError(f"{path}: {error}; resume='never' begins the run anew") from None
    values: dict[str, Any] = json.loads(recipe.to_json())
    return values


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of the run; ResumeError if it is missing or broken."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ResumeError(f"{path} cannot be read ({error}); resume='never' begins the run anew") from None
    if not isinstance(values, dict):
        raise ResumeError(f"{path} holds no JSON object; resume='never' begins the run anew")
    return values
