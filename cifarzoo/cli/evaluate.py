"""``cifarzoo eval``: a trained model on a test set."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cifarzoo.cli.options import AsJson, Device, Download, Root, Size
from cifarzoo.cli.output import write_fields, write_json
from cifarzoo.cli.sets import open_set
from cifarzoo.errors import SettingError


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run's folder or a .safetensors file.")],
    *,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="The data set; by default the run's own.")] = None,
    root: Root = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "test",
    size: Size = None,
    views: Annotated[int, typer.Option(help="Views of each image that are averaged: 1, 2 or 6.")] = 1,
    download: Download = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a trained model on the whole test set of a data set."""
    import cifarzoo
    from cifarzoo.training.checks import choose_device

    model = cifarzoo.load(run)
    card = model.card
    name = data or (card.recipe or {}).get("data") or card.dataset
    if name is None:
        raise SettingError(f"the card of {run} names no data set; add --data NAME")
    model_size = card.input_size or model.default_input_size
    dataset = open_set(name, root, split, size=size, model_size=model_size, download=download)
    result = cifarzoo.evaluate(model.to(choose_device(device)), dataset, views=views)
    if as_json:
        write_json({"run": str(run), "data": name, "split": split, **asdict(result)})
        return
    write_fields(
        [
            ("top-1", f"{result.top1:.2f} %"),
            ("top-5", f"{result.top5:.2f} %"),
            ("loss", f"{result.loss:.4f}"),
            ("calibration error", f"{result.ece:.4f}"),
            ("images", f"{result.images} ({name}, {split}, {result.views} view{'s' * (result.views > 1)})"),
        ]
    )
