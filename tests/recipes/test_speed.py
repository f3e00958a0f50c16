"""The fast recipes fit the models that they name."""

from __future__ import annotations

import pytest

import cifarzoo
from cifarzoo.data.catalog import ENTRIES
from cifarzoo.recipes.speed import SPEED_RECIPES, Recipe
from cifarzoo.training.pacing import Course, Freezer

every_recipe = pytest.mark.parametrize("recipe", SPEED_RECIPES, ids=lambda recipe: recipe.name)


@every_recipe
def test_pictures_grow_to_full_size(recipe: Recipe) -> None:
    """The scores of a net that has never seen the size it is tested at are worthless."""
    spec = cifarzoo.model_info(recipe.model)
    sides = [side for _, side in recipe.sizes]
    assert sides == sorted(sides) and spec.min_size <= sides[0] <= sides[-1] < spec.input_size
    assert Course(recipe, 50).size_px(0.99) is None


@every_recipe
def test_frozen_layers_exist_and_some_learn_to_the_end(recipe: Recipe) -> None:
    model = cifarzoo.create(recipe.model)
    with Freezer(model, recipe) as freezer:
        freezer.apply(1.0)
        assert not any(parameter.requires_grad for parameter in model.stem.parameters())
        assert model.get_classifier().weight.requires_grad


@every_recipe
def test_evaluation_takes_little_of_the_run(recipe: Recipe) -> None:
    """The last epoch is always scored, whole or not, so others need not be."""
    spec = ENTRIES[recipe.data or ""].spec
    assert spec is not None
    scored = sum(count for part, count in spec.per_class.items() if part != "train")
    trained = spec.per_class["train"] * recipe.evaluate_every
    assert scored / (3 * trained) < 0.02 and recipe.views == 6  # a backward pass costs two forward ones
