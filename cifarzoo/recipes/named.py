"""The named recipes: constants, each with what it is for."""

from __future__ import annotations

from difflib import get_close_matches

from cifarzoo.errors import RecipeError
from cifarzoo.recipes.recipe import Recipe
from cifarzoo.recipes.report import REPORT_RECIPES
from cifarzoo.recipes.speed import SPEED_RECIPES

QUICK = Recipe(
    name="quick",
    epochs=4,
    batch_size=250,
    optimizer="sgd",
    lr=0.1,
    weight_decay=5e-4,
    schedule="onecycle",
    warmup_epochs=1,
    label_smoothing=0.1,
)
"""A few epochs on a CPU, the schedule ending with them: what ``cifarzoo train`` takes where nothing is said."""

DIGITS = Recipe(
    name="digits",
    model="baseline_cnn",
    data="digits",
    epochs=5,
    batch_size=50,
    optimizer="adamw",
    lr=1e-3,
    weight_decay=0.05,
    schedule="onecycle",
    warmup_epochs=1,
    augment="none",
)
"""The handwritten digits that scikit-learn brings along: about a minute on two cores, without any download."""

STANDARD = Recipe(
    name="standard",
    epochs=200,
    batch_size=128,
    optimizer="sgd",
    lr=0.1,
    weight_decay=5e-4,
    schedule="cosine",
    warmup_epochs=5,
)
"""The field's usual long run: SGD, cosine, 200 epochs."""

FINETUNE = Recipe(
    name="finetune",
    epochs=10,
    batch_size=64,
    optimizer="adamw",
    lr=3e-4,
    head_lr_ratio=10.0,
    weight_decay=0.05,
    schedule="cosine",
    warmup_epochs=1,
    label_smoothing=0.1,
)
"""A trained body on other pictures: the new head learns ten times as fast as the rest."""

_NAMED = {recipe.name: recipe for recipe in (QUICK, DIGITS, STANDARD, FINETUNE, *SPEED_RECIPES, *REPORT_RECIPES)}


def names() -> list[str]:
    """The names of all named recipes, in the order of this file."""
    return list(_NAMED)


def get(name: str) -> Recipe:
    """The recipe of that name; RecipeError names the nearest."""
    if name not in _NAMED:
        nearest = ", ".join(get_close_matches(name, _NAMED, n=3, cutoff=0.0))
        raise RecipeError(f"no recipe is named {name!r}; nearest: {nearest} (see cifarzoo.recipes.names())")
    return _NAMED[name]
