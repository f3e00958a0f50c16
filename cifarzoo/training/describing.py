"""The card of a model that has been trained."""

from __future__ import annotations

import json

import torch
from torch import nn

from cifarzoo.data.loader import ImageSet
from cifarzoo.recipes import Recipe
from cifarzoo.training.environment import describe_model, hardware_name
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.history import History
from cifarzoo.training.selection import Selection
from cifarzoo.weights import Card


def describe_weights(
    model: nn.Module,
    recipe: Recipe,
    train: ImageSet,
    *,
    epochs: float,
    history: History,
    result: Evaluation | None,
    with_views: Evaluation | None,
    selection: Selection,
    begun_from: str | None,
    precision: str,
) -> Card:
    """What is known of weights: the model, the data, the recipe, the results and what it took.

    Args:
        model: as trained.
        recipe: that it was trained by.
        train: what it was trained on.
        epochs: how often it saw the set.
        history: of the run.
        result: of one view, if there was a test set.
        with_views: of the recipe's views, if there are more.
        selection: what was selected on images held out, if any were.
        begun_from: hash of the trained weights that the run began with, if it did.
        precision: that it trained in.
    """
    before = getattr(model, "card", None)  # of the weights it began with, whose mean and std it keeps
    device = next(model.parameters()).device
    described = describe_model(model)
    return Card(
        arch=described["arch"],
        settings=described["settings"],
        params=described["params"],
        dataset=getattr(train, "name", None),
        num_classes=len(train.classes),
        in_channels=train.images.shape[1],
        classes=list(getattr(train, "class_names", train.classes)),
        input_size=train.images.shape[-1],
        mean=list(train.mean if before is None or before.mean is None else before.mean),
        std=list(train.std if before is None or before.std is None else before.std),
        top1=None if result is None else result.top1,
        top5=None if result is None else result.top5,
        top1_views=None if with_views is None else with_views.top1,
        views=None if with_views is None else with_views.views,
        ece=None if result is None else result.ece,
        per_class=None if result is None else dict(result.per_class),
        recipe=json.loads(recipe.to_json()),
        seed=recipe.seed,
        epochs=epochs,
        selected_epoch=selection.epoch,
        holdout_top1=None if selection.epoch is None else selection.top1,
        begun_from=begun_from,
        train_images=len(train.targets),
        hardware=hardware_name(device),
        threads=torch.get_num_threads(),
        precision=precision,
        torch=torch.__version__,
        seconds=sum(record.seconds for record in history.records),
    )
