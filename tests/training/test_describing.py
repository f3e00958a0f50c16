from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from cifarzoo.recipes import Recipe
from cifarzoo.training.describing import describe_weights
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.selection import Selection
from cifarzoo.weights import Card

HISTORY = History(
    records=[EpochRecord(epoch=1, step=2, lr=0.1, train_loss=1, train_top1=50, seconds=2.0, images_per_s=3)],
)


def described(model: nn.Module, recipe: Recipe, train: Any, **settings: Any) -> Card:
    nothing = {"epochs": 1, "result": None, "with_views": None, "selection": Selection(model, enabled=False)}
    return describe_weights(
        model, recipe, train, history=HISTORY, **{**nothing, "begun_from": None, "precision": "bf16", **settings}
    )


def test_the_card_says_what_the_weights_are(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    model, train, recipe = make_net(), make_set(8), Recipe(seed=7)
    result = Evaluation(top1=50.0, top5=100.0, loss=1.0, ece=0.1, per_class={"a": 50.0}, images=4, views=1)
    with_views = replace(result, top1=75.0, views=6)
    card = described(model, recipe, train, epochs=0.5, result=result, with_views=with_views)
    assert (card.arch, card.params, card.dataset, card.num_classes) == ("ToyNet", 364, "toy", 4)
    assert (card.classes, card.input_size) == (["ant", "bee", "cat", "dog"], 16)
    assert (card.mean, card.std) == ([0.3] * 3, [0.2] * 3)
    assert (card.top1, card.seed, card.epochs, card.train_images, card.seconds) == (50.0, 7, 0.5, 8, 2.0)
    assert (card.top1_views, card.views, card.ece, card.per_class) == (75.0, 6, 0.1, {"a": 50.0})
    assert card.precision == "bf16"
    assert Recipe(**card.recipe) == recipe  # type: ignore[arg-type]
    assert Card.from_json(card.to_json(), source="here") == card


def test_the_card_keeps_the_mean_that_the_model_was_trained_under(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model = make_net()
    model.card = Card(arch="x", num_classes=4, mean=[0.1] * 3, std=[0.9] * 3)
    card = described(model, Recipe(), make_set(8))
    assert (card.mean, card.std, card.top1) == ([0.1] * 3, [0.9] * 3, None)


def test_the_card_says_what_was_selected_and_what_training_began_with(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model, train = make_net(), make_set(8)
    card = described(model, Recipe(), train)
    assert (card.selected_epoch, card.holdout_top1, card.begun_from) == (None, None, None)
    selection = Selection(model, enabled=True)
    selection.offer(40.0, epoch=3)
    card = described(model, Recipe(), train, selection=selection, begun_from="ab")
    assert (card.selected_epoch, card.holdout_top1, card.begun_from) == (3, 40.0, "ab")
