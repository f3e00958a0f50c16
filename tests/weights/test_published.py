"""The weights in the package: whole, complete in what their cards say, and small enough for a wheel."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image

import cifarzoo
from cifarzoo.cli.choice import choose_recipe
from cifarzoo.recipes import Recipe
from cifarzoo.training.publishing import MOST_LOSS
from cifarzoo.weights import Card, search
from cifarzoo.weights.rendering import FORMATS, render

MOST_BYTES = 90_000_000
MAY_BE_EMPTY = {"urls", "hub_id", "settings", "selected_epoch", "holdout_top1", "begun_from"}
NAMES = sorted(path.stem for path in search.PACKAGE.glob("*.*.json"))


def card_of(name: str) -> Card:
    path = search.PACKAGE / f"{name}.json"
    return Card.from_json(path.read_bytes(), source=str(path))


def test_every_file_has_its_card_and_all_fit_into_the_wheel() -> None:
    files = list(search.PACKAGE.glob("*.safetensors"))
    assert {path.stem for path in files} <= set(NAMES)
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_all_there_is_to_say(name: str) -> None:
    card = card_of(name)
    assert name == f"{card.arch}.{card.tag}"
    fields = [field.name for field in dataclasses.fields(Card)]
    assert [field for field in fields if getattr(card, field) is None and field not in MAY_BE_EMPTY] == []
    assert card.classes is not None
    assert len(card.classes) == len(card.per_class or {}) == card.num_classes
    assert card.dtype_loss is not None
    assert card.dtype_loss <= MOST_LOSS
    assert all(name in render(card, kind) for kind in FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_weights_fit_the_model_that_their_card_names(name: str) -> None:
    if not (search.PACKAGE / f"{name}.safetensors").is_file():
        pytest.skip("its weights lie elsewhere")
    card = card_of(name)
    model = cifarzoo.create(name, pretrained=True).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == card.params
    side = card.input_size or model.default_input_size
    with torch.no_grad():
        logits = model(cifarzoo.weights.transform(name)(torch.zeros(3, side + 9, side, dtype=torch.uint8)))
    assert logits.shape == (1, card.num_classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_the_command_names_a_recipe_that_is_there(name: str) -> None:
    card = card_of(name)
    words = shlex.split(card.command or "")
    options = dict(itertools.pairwise(words))
    seed = int(options["--seed"]) if "--seed" in options else None
    recipe = choose_recipe(options["--recipe"], model=card.arch, data=card.dataset, seed=seed)
    made_by = Recipe.from_json(json.dumps(card.recipe), source=name)
    assert recipe == made_by.replace(model=card.arch, data=card.dataset)
    assert recipe.seed == card.seed


@pytest.mark.skipif(search.PREFERRED not in NAMES, reason="not published yet")
def test_drawn_things_are_recognised() -> None:
    """Far from the training pictures, but anyone can see what they are."""
    pictures = sorted((Path(__file__).parents[2] / "examples" / "pictures").glob("*.png"))
    assert len(pictures) == 5
    found = cifarzoo.predict(search.PREFERRED, [Image.open(path) for path in pictures], top=1)
    right = [path.stem for path, prediction in zip(pictures, found, strict=True) if prediction.classes == (path.stem,)]
    assert len(right) >= 4, right
