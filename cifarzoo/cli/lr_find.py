"""``cifarzoo lr-find``: which learning rate to try first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cifarzoo.cli.choice import choose, choose_recipe, leaves_batch_size
from cifarzoo.cli.options import (
    AsJson,
    Augment,
    BatchSize,
    Data,
    Device,
    Download,
    Images,
    Model,
    ModelSettings,
    Optimizer,
    Pretrained,
    RecipeName,
    Root,
    Seed,
    Settings,
    Size,
)
from cifarzoo.cli.output import check_png, write_figure, write_json


def lr_find(
    model: Model = None,
    *,
    data: Data = None,
    root: Root = None,
    lowest: Annotated[float, typer.Option(help="Learning rate of the first step.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="Learning rate of the last step, if the test gets there.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Of the test.")] = 100,
    output: Annotated[Path, typer.Option(metavar="PNG", help="The picture to write.")] = Path("lr-find.png"),
    model_settings: ModelSettings = None,
    pretrained: Pretrained = None,
    images: Images = None,
    size: Size = None,
    download: Download = False,
    device: Device = "auto",
    recipe: RecipeName = None,
    batch_size: BatchSize = None,
    optimizer: Optimizer = None,
    augment: Augment = None,
    seed: Seed = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Find a peak learning rate: train a few steps at ever larger ones and see where the loss falls fastest."""
    from cifarzoo.training import find_lr
    from cifarzoo.training.plots import draw_lr_range

    check_png(output)  # said before the test, not after it
    chosen = choose(
        choose_recipe(
            recipe,
            model=model,
            data=data,
            pretrained=pretrained,
            settings=settings,
            batch_size=batch_size,
            optimizer=optimizer,
            augment=augment,
            seed=seed,
        ),
        adapts=leaves_batch_size(recipe, batch_size, settings),
        model_settings=model_settings,
        pretrained=pretrained,
        root=root,
        images=images,
        size=size,
        download=download,
    )
    found = find_lr(
        chosen.network, chosen.recipe, chosen.training, lowest=lowest, highest=highest, steps=steps, device=device
    )
    write_figure(draw_lr_range(found), output)
    if as_json:
        write_json({"suggested": found.suggested, "lrs": found.lrs, "losses": found.losses, "picture": str(output)})
    else:
        typer.echo(f"suggested: --lr {found.suggested:.2g}\ncurve:     {output}")
