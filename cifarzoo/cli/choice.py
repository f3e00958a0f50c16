"""What a command line chooses: a recipe with its changes, the images, and the model that fits both."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cifarzoo.cli.sets import open_set
from cifarzoo.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cifarzoo.data import Dataset
    from cifarzoo.models import Classifier
    from cifarzoo.recipes import Recipe
    from cifarzoo.weights import Card


_LEAST_STEPS = 20


class Choice(NamedTuple):
    """Everything that a run needs."""

    recipe: Recipe
    network: Classifier
    training: Dataset
    open_split: Callable[[str], Dataset]
    """Opens another part of the data set."""


def choose(
    recipe: Recipe,
    *,
    adapts: bool,
    holdout: float | None = None,
    model_settings: Sequence[str] | None,
    pretrained: str | None,
    root: Path | None,
    images: int | None,
    size: int | None,
    download: bool,
) -> Choice:
    """Open the training images and build the model.

    Args:
        recipe: names both.
        adapts: whether its batch may shrink for few images, since nobody has asked for it.
        holdout: share of the images that will not be trained on.
        model_settings: ``KEY=VALUE`` each, of the model's family.
        pretrained: weights to begin with.
        root: where the data set lies.
        images: train on so many of them.
        size: side in px, for a folder of pictures.
        download: fetch the set where it is missing.

    Raises:
        SettingError: what is missing or does not fit; names are checked before any data are read.
    """
    import cifarzoo

    of_model = {name: _parse_json(value) for name, value in parse_settings(model_settings or []).items()}
    arch, data = _check_choice(recipe, of_model)
    model_size = cifarzoo.model_info(arch).input_size
    open_split = partial(open_set, data, root, size=size, model_size=model_size, download=download)
    training = _part(open_split("train"), images, seed=recipe.seed)
    network = cifarzoo.create(
        arch,
        pretrained=False if pretrained is None else pretrained,
        num_classes=len(training.classes),
        in_channels=training.images.shape[1],
        seed=recipe.seed,
        **of_model,
    )
    _fit_head(network, training, source=pretrained, seed=recipe.seed)
    if adapts:
        recipe = _adapted(recipe, int(len(training) * (1 - (holdout or 0))))
    return Choice(recipe, network, training, open_split)


def leaves_batch_size(recipe: str | None, batch_size: int | None, settings: Sequence[str] | None) -> bool:
    """Whether a command line says neither by which recipe to train nor how large a batch is."""
    said = any(setting.partition("=")[0] == "batch_size" for setting in settings or ())
    return recipe is None and batch_size is None and not said


def _adapted(recipe: Recipe, images: int) -> Recipe:
    """The recipe with 20 steps an epoch or more, if it has fewer; each process and each part gets its images."""
    from cifarzoo import recipes

    parts = recipe.accumulate * int(os.environ.get("WORLD_SIZE", "1"))
    batch_size = max(1, min(recipe.batch_size, images // _LEAST_STEPS) // parts) * parts
    rates: dict[str, Any] = {}
    if recipe.name.startswith("speed/") and (recipe.optimizer, recipe.rest_optimizer) == ("muon", "sgd"):
        named, share = recipes.get(recipe.name), batch_size / recipe.batch_size  # its rates are for a batch's sum
        kept = [key for key in ("head_lr_ratio", "bias_lr_ratio") if getattr(recipe, key) == getattr(named, key)]
        rates = {key: getattr(recipe, key) * share for key in kept}
    return recipe.replace(batch_size=batch_size, **rates)


def _fit_head(network: Classifier, training: Dataset, *, source: str | None, seed: int) -> None:
    """Put a new head on trained weights whose classes are others, where ``create`` sees only that they are as many."""
    from cifarzoo import factory
    from cifarzoo.weights.fitting import AdaptedWarning

    trained = network.card.classes if network.card is not None else None
    if trained is None or trained == list(training.class_names):
        return
    with factory.seeded(seed):
        network.reset_classifier(len(training.classes))
    text = f"{network.arch} from {source}: its head for the {len(trained)} classes of {training.name} (trained: others)"
    warnings.warn(f"{text} is new; train it", AdaptedWarning, stacklevel=3)


def choose_recipe(
    name: str | None,
    *,
    model: str | None,
    data: str | None,
    pretrained: str | None = None,
    settings: Sequence[str] | None = None,
    **changes: Any,
) -> Recipe:
    """The recipe of that name, or one that fits, with what was said on the command line.

    Args:
        name: a named recipe, or weights (``arch.tag``) whose card has one; None for one that fits: ``finetune`` with
            weights to begin with, ``digits`` for the digits, a fast one that was made for the model, else ``quick``.
        model: in place of the recipe's.
        data: likewise.
        pretrained: weights to begin with.
        settings: ``KEY=VALUE`` each, of the recipe.
        changes: fields of the recipe; None leaves one as it is.
    """
    from cifarzoo import recipes, weights

    fitting = name or _fitting(model, data, pretrained=pretrained is not None)
    chosen = _recipe_of(weights.info(name)) if name in weights.names() else recipes.get(fitting)
    changes = {key: value for key, value in changes.items() if value is not None}
    if (epochs := changes.get("epochs")) is not None:
        changes = {"steps": None, "seconds": None, **changes}  # this is how long it is to be
        if epochs <= chosen.warmup_epochs:
            changes = {"warmup_epochs": epochs / 4, **changes}  # a shorter run has a shorter warm-up
    chosen = chosen.replace(model=model or chosen.model, data=data or chosen.data, **changes)
    return chosen.with_settings(parse_settings(settings or []))


def _recipe_of(card: Card) -> Recipe:
    """The recipe that made published weights, for their model and data."""
    from cifarzoo.recipes import Recipe

    if card.recipe is None:
        raise SettingError(f"the card of {card.arch}.{card.tag} holds no recipe; name another one")
    recipe = Recipe.from_json(json.dumps(card.recipe), source=f"the recipe of {card.arch}.{card.tag}")
    return recipe.replace(model=card.arch, data=recipe.data or card.dataset)


def _fitting(model: str | None, data: str | None, *, pretrained: bool) -> str:
    """The name of a recipe for a model and a data set; of several fast ones that which was made for the data."""
    from cifarzoo import recipes

    if pretrained or data == "digits":
        return "finetune" if pretrained else "digits"
    fast = [recipes.get(name) for name in recipes.names() if name.startswith("speed/")]
    made_for = sorted((each for each in fast if model and each.model == model), key=lambda each: each.data != data)
    return made_for[0].name if made_for else "quick"


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """``["lr=0.05"]`` as a dict; SettingError for one that has no ``=``."""
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, _ in pairs:
        if not equals:
            raise SettingError(f"setting {name!r} must be KEY=VALUE, such as --set lr=0.05")
    return {name: value for name, _, value in pairs}


def _parse_json(text: str) -> Any:
    """A value from the command line: JSON, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check_choice(recipe: Recipe, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The names of model and data set; SettingError where one is missing or wrong, before any data are read."""
    import cifarzoo
    from cifarzoo import data
    from cifarzoo.registry import check_settings

    if recipe.model is None:
        raise SettingError(f"recipe {recipe.name!r} fits any model: name one (see `cifarzoo list`)")
    if recipe.data is None:
        raise SettingError(f"recipe {recipe.name!r} fits any data: name a set with --data ({', '.join(data.names())})")
    check_settings(cifarzoo.model_info(recipe.model), settings)
    return recipe.model, recipe.data


def _part(dataset: Dataset, images: int | None, *, seed: int) -> Dataset:
    """About that many images of a set, the same share of each class; all of them for None."""
    from cifarzoo.data.parts import sample

    if images is None:
        return dataset
    if not 1 <= images <= len(dataset):
        raise SettingError(f"--images {images} must lie in 1 ... {len(dataset)}, the images of {dataset.name}")
    return sample(dataset, images, seed=seed)
