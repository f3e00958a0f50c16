"""Options that several commands share, so that they read and behave alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="The folder of the data set or of its archive; digits needs none."),
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps.")]
Size = Annotated[
    int | None, typer.Option(metavar="PX", help="Side of the images, for a folder of pictures; the model's by default.")
]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set where it is missing.")]

RECIPE = "Recipe"
Model = Annotated[str | None, typer.Argument(help="A model, as `cifarzoo list` names it.")]
Data = Annotated[str | None, typer.Option(metavar="NAME", help="The data set, such as cifar10 or digits.")]
ModelSettings = Annotated[
    list[str] | None,
    typer.Option("--model-set", metavar="KEY=VALUE", help="A setting of the model's family, such as dropout=0.2."),
]
Pretrained = Annotated[
    str | None,
    typer.Option(metavar="WEIGHTS", help="Begin with those of a run, arch.tag or URL; other classes get a new head."),
]
Images = Annotated[
    int | None,
    typer.Option(metavar="N", help="Train on about N images: the same share of each class, and one at least."),
]
RecipeName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A named recipe to start from, or weights (arch.tag).", rich_help_panel=RECIPE),
]
BatchSize = Annotated[int | None, typer.Option(help="Images a step.", rich_help_panel=RECIPE)]
Optimizer = Annotated[str | None, typer.Option(help="sgd, adam, adamw or muon.", rich_help_panel=RECIPE)]
Augment = Annotated[str | None, typer.Option(help="An augmentation preset.", rich_help_panel=RECIPE)]
Seed = Annotated[int | None, typer.Option(help="Of weights, order and augmentation.", rich_help_panel=RECIPE)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other field of the recipe.", rich_help_panel=RECIPE),
]
