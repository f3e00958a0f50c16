"""``cifarzoo predict``: what a trained model sees in pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifarzoo.cli.options import AsJson, Device
from cifarzoo.cli.output import check_png, write_figure, write_json
from cifarzoo.errors import DataError

if TYPE_CHECKING:
    from cifarzoo.training import Prediction

BROKEN_PICTURE = 1


def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Picture files of any size and mode.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Weights (arch.tag), a run's folder or a .safetensors file or its URL."),
    ] = None,
    top: Annotated[int, typer.Option(help="How many classes to name.")] = 5,
    output: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw the pictures with their classes into this file.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Classify pictures, with pretrained weights if no model is named.

    One that cannot be read is reported, and the others go on; the exit code is 1 then.
    """
    import cifarzoo
    from cifarzoo.cli.pictures import read_picture
    from cifarzoo.training.checks import choose_device
    from cifarzoo.weights import search

    if output is not None:
        check_png(output)
    # Nothing that happens to lie in this folder may stand for weights that were not named.
    network = cifarzoo.load(model) if model is not None else cifarzoo.create(search.default(), pretrained=True)
    network.to(choose_device(device))
    size = network.card.input_size or network.default_input_size
    found: dict[str, list[dict[str, Any]]] = {}
    broken: dict[str, str] = {}
    for picture in pictures:
        try:
            (prediction,) = cifarzoo.predict(network, read_picture(picture, size), top=top)
        except DataError as error:
            broken[str(picture)] = str(error)
            typer.echo(f"cifarzoo: {error}", err=True)
            continue
        found[str(picture)] = _ranked(prediction)
        if not as_json:
            classes = ", ".join(f"{place['class']} {place['probability']:.1%}" for place in found[str(picture)])
            typer.echo(f"{picture}: {classes}")
    if as_json:
        write_json({"predictions": found, "errors": broken})
    if output is not None and found:
        from cifarzoo.cli.gallery import draw_gallery

        write_figure(draw_gallery(found), output)
    if broken:
        raise typer.Exit(BROKEN_PICTURE)


def _ranked(prediction: Prediction) -> list[dict[str, Any]]:
    """A prediction as JSON, the likeliest class first."""
    return [
        {"class": name, "probability": share}
        for name, share in zip(prediction.classes, prediction.probabilities, strict=True)
    ]
