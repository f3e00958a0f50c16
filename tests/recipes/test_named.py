from __future__ import annotations

import pytest

from cifarzoo import augment, recipes, registry
from cifarzoo.errors import RecipeError


@pytest.mark.parametrize("name", recipes.names())
def test_a_named_recipe_knows_its_name_and_what_it_uses_exists(name: str) -> None:
    import cifarzoo.models  # noqa: F401  (fills the registry)

    recipe = recipes.get(name)
    assert recipe.name == name
    assert recipe.augment in augment.list_presets()
    assert recipe.model is None or recipe.model in registry.names()


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"'quik'.*quick"):
        recipes.get("quik")
