"""``cifarzoo train``: from a name and a data set to a run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifarzoo.cli.options import AsJson, Device, Download, Root, Size
from cifarzoo.cli.output import write_json
from cifarzoo.cli.sets import open_set
from cifarzoo.errors import CifarZooError, SettingError

if TYPE_CHECKING:
    from cifarzoo.data import Dataset
    from cifarzoo.models import Classifier
    from cifarzoo.recipes import Recipe

RECIPE = "Recipe"


def train(
    model: Annotated[str | None, typer.Argument(help="A model, as `cifarzoo list` names it.")] = None,
    *,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="The data set, such as cifar10 or digits.")] = None,
    root: Root = None,
    output: Annotated[Path, typer.Option(metavar="RUN", help="The folder to write the run to.")],
    model_settings: Annotated[
        list[str] | None,
        typer.Option("--model-set", metavar="KEY=VALUE", help="A setting of the model's family, such as dropout=0.2."),
    ] = None,
    pretrained: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Begin with the weights of a run; other classes get a new head.")
    ] = None,
    images: Annotated[
        int | None, typer.Option(metavar="N", help="Train on N images, equally many of each class.")
    ] = None,
    size: Size = None,
    download: Download = False,
    resume: Annotated[
        str, typer.Option(metavar="HOW", help="auto goes on with the run in the folder, never replaces it.")
    ] = "auto",
    device: Device = "auto",
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME", help="A named recipe to start from.", rich_help_panel=RECIPE)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.", rich_help_panel=RECIPE)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.", rich_help_panel=RECIPE)] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.", rich_help_panel=RECIPE)] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, adam or adamw.", rich_help_panel=RECIPE)] = None,
    augment: Annotated[str | None, typer.Option(help="An augmentation preset.", rich_help_panel=RECIPE)] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of weights, order and augmentation.", rich_help_panel=RECIPE)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other field of the recipe.", rich_help_panel=RECIPE),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a model and write weights, curve and records to a folder."""
    import cifarzoo

    changes = _given(epochs=epochs, batch_size=batch_size, lr=lr, optimizer=optimizer, augment=augment, seed=seed)
    chosen = _choose_recipe(recipe, model, data, changes).with_settings(_parse_settings(settings or []))
    of_model = {name: _parse_json(value) for name, value in _parse_settings(model_settings or []).items()}
    arch, data = _check_choice(chosen, of_model)
    model_size = cifarzoo.model_info(arch).input_size
    open_split = partial(open_set, data, root, size=size, model_size=model_size, download=download)
    training = _part(open_split("train"), images, seed=chosen.seed)
    network = _create(arch, of_model, training, pretrained=pretrained, seed=chosen.seed)
    trainer = cifarzoo.Trainer(network, chosen, device=device, output_dir=output, resume=resume)
    history = trainer.fit(training, open_split("test"))
    result = {"run": str(output), "params": history.params, "train_images": len(training), **asdict(history.last)}
    if as_json:
        write_json(result)
    else:
        typer.echo(f"weights: {output / 'model.safetensors'}\ncurve:   {output / 'loss.png'}")


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _choose_recipe(name: str | None, model: str | None, data: str | None, changes: dict[str, Any]) -> Recipe:
    """The recipe of that name, or a short one that fits the data, with what was said on the command line."""
    from cifarzoo import recipes

    chosen = recipes.get(name or ("digits" if data == "digits" else "quick"))
    if changes.get("epochs", chosen.epochs) <= chosen.warmup_epochs:
        changes = {"warmup_epochs": changes["epochs"] / 4, **changes}  # a shorter run has a shorter warm-up
    return chosen.replace(model=model or chosen.model, data=data or chosen.data, **changes)


def _parse_settings(settings: Sequence[str]) -> dict[str, str]:
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


def _create(
    name: str, settings: Mapping[str, Any], dataset: Dataset, *, pretrained: Path | None, seed: int
) -> Classifier:
    """The model for a data set; SettingError for settings of a wrong kind."""
    import cifarzoo

    try:
        return cifarzoo.create(
            name,
            pretrained=pretrained or False,
            num_classes=len(dataset.classes),
            in_channels=dataset.images.shape[1],
            seed=seed,
            **settings,
        )
    except CifarZooError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:  # whatever the family makes of a list where a number belongs
        raise SettingError(
            f"{name} cannot be built with {dict(settings)} ({error}); see its class for what they are"
        ) from None


def _part(dataset: Dataset, images: int | None, *, seed: int) -> Dataset:
    """About that many images of a set, the same share of each class; all of them for None."""
    from cifarzoo.data.parts import stratified, subset

    if images is None or images == len(dataset):
        return dataset
    if not 1 <= images < len(dataset):
        raise SettingError(f"--images {images} must lie in 1 ... {len(dataset)}, the images of {dataset.name}")
    return subset(dataset, stratified(dataset.targets, images / len(dataset), seed=seed)[1])
