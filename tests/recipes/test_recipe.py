from __future__ import annotations

import ast
import inspect
import itertools
import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo import augment
from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.recipes.recipe import CHOICES

RECIPES = st.builds(
    Recipe,
    name=st.text(),
    model=st.none() | st.text(),
    epochs=st.integers(5, 500),
    batch_size=st.integers(1, 4096),
    seed=st.integers(),
    optimizer=st.sampled_from(CHOICES["optimizer"]),
    lr=st.floats(1e-8, 100),
    momentum=st.floats(0, 0.99),
    weight_decay=st.floats(0, 1),
    schedule=st.sampled_from(CHOICES["schedule"]),
    warmup_epochs=st.floats(0, 4),
    final_lr_frac=st.floats(0, 1),
    precision=st.sampled_from(CHOICES["precision"]),
    channels_last=st.booleans(),
    clip_norm=st.none() | st.floats(0.1, 10),
    sizes=st.sampled_from([(), ((0.4, 24),), ((0.25, 16), (1, 24))]),
    freeze=st.lists(st.tuples(st.text(), st.floats(0, 0.9)), max_size=2).map(tuple),
)


@given(RECIPES)
def test_json_and_back_is_the_same_recipe(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_every_preset_may_be_named() -> None:
    assert CHOICES["augment"] == tuple(augment.list_presets())
    with pytest.raises(RecipeError, match=r"augment \(='sparkle'\) must be one of: none, baseline"):
        Recipe(augment="sparkle")


def test_is_frozen_and_keyword_only() -> None:
    with pytest.raises(FrozenInstanceError):
        Recipe().lr = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        Recipe("name")  # type: ignore[misc]


@pytest.mark.parametrize(
    "field, value",
    [
        ("epochs", 0),
        ("steps", 0),
        ("steps", 1.5),
        ("seconds", 0.0),
        ("epochs", True),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("lr", "0.1"),
        ("momentum", 1.0),
        ("beta2", -0.1),
        ("weight_decay", -1e-9),
        ("bias_weight_decay", -1e-9),
        ("label_smoothing", 1.0),
        ("warmup_epochs", 10),
        ("final_lr_frac", 1.5),
        ("optimizer", "lion"),
        ("schedule", "stairs"),
        ("precision", "fp16"),
        ("channels_last", 1),
        ("evaluate_every", 0),
        ("name", None),
        ("accumulate", 0),
        ("accumulate", 251),
        ("clip_norm", 0.0),
        ("average", "median"),
        ("average_decay", 1.0),
        ("average_start", 1.0),
        ("average_every", 0),
        ("on_nan", "hope"),
        ("mix", "blend"),
        ("mix_alpha", 0.0),
        ("mix_prob", 1.1),
        ("views", 3),
        ("shrink", "crop"),
        ("rest_optimizer", "adam"),
        ("head_lr_ratio", 0.0),
        ("sizes", ((0.5, 16.5),)),
        ("sizes", ((0.5, 16), (0.2, 24))),
        ("sizes", ((1.1, 16),)),
        ("sizes", ((0.5, 0),)),
        ("sizes", 24),
        ("freeze", (("stem", 1.0),)),
        ("freeze", ("stem",)),
    ],
)
def test_refuses_what_cannot_be_run_and_names_it(field: str, value: object) -> None:
    with pytest.raises(RecipeError, match=field) as caught:
        Recipe(**{field: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_windows_show_not_the_areas_that_cutmix_counts() -> None:
    with pytest.raises(RecipeError, match=r"cutmix.*choose mix='mixup' or shrink='resize'"):
        Recipe(sizes=((0.5, 16),), shrink="window", mix="cutmix")
    Recipe(sizes=((0.5, 16),), shrink="window", mix="mixup")
    Recipe(shrink="window", mix="cutmix")


def test_a_warm_up_is_as_long_as_the_run_allows() -> None:
    with pytest.raises(RecipeError, match="warmup_epochs"):
        Recipe(epochs=4, warmup_epochs=5)
    assert Recipe(epochs=4, warmup_epochs=5, steps=5000).warmup_epochs == 5  # which ends by its steps


def test_a_run_has_one_end() -> None:
    with pytest.raises(RecipeError, match=r"steps \(=5\) and seconds \(=2\)"):
        Recipe(steps=5, seconds=2)


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"'learning_rate'.*nearest"):
        Recipe().replace(learning_rate=0.1)
    with pytest.raises(RecipeError, match=r"'batchsize'.*batch_size"):
        Recipe.from_json('{"batchsize": 3}')


@pytest.mark.parametrize("text", ["", "[1]", "{", '"recipe"', "null"])
def test_what_is_no_recipe_is_refused_with_its_source(text: str) -> None:
    with pytest.raises(RecipeError, match=r"my\.json"):
        Recipe.from_json(text, source="my.json")


def test_settings_from_text() -> None:
    changed = Recipe().with_settings(
        {
            "sizes": "[[0.4, 24], [0.7, 28]]",
            "clip_norm": "None",
            "lr": "0.05",
            "epochs": "3",
            "channels_last": "False",
            "optimizer": "adamw",
            "model": "none",
            "data": "x",
        }
    )
    assert changed.sizes == ((0.4, 24), (0.7, 28))
    assert changed.replace(sizes=()) == Recipe(
        lr=0.05, epochs=3, channels_last=False, optimizer="adamw", model=None, data="x"
    )
    with pytest.raises(RecipeError, match=r"lr .*'fast'"):
        Recipe().with_settings({"lr": "fast"})
    with pytest.raises(RecipeError, match="nearest"):
        Recipe().with_settings({"lrr": "1"})


def test_every_field_says_what_it_is_and_json_keeps_the_order() -> None:
    body = ast.parse(inspect.getsource(Recipe)).body[0].body  # type: ignore[attr-defined]
    documented = {
        first.target.id  # type: ignore[union-attr]
        for first, second in itertools.pairwise(body)
        if isinstance(first, ast.AnnAssign) and isinstance(second, ast.Expr)
    }
    assert documented == {item.name for item in fields(Recipe)}
    assert list(json.loads(Recipe().to_json())) == [item.name for item in fields(Recipe)]
