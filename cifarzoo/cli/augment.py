"""``cifarzoo augment``: which presets there are, and what they do to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cifarzoo.cli.options import AsJson
from cifarzoo.cli.output import NOTHING, check_png, write_json, write_pixels, write_table
from cifarzoo.errors import SettingError

app = typer.Typer(no_args_is_help=True, help="Augmentation presets: what they hold, what they do to pictures.")
Size = Annotated[int, typer.Option(metavar="PX", help="Side of the images; distances scale with it.")]


@app.command("list")
def list_presets(*, size: Size = 32, as_json: AsJson = False) -> None:
    """List the presets with their operations and strengths."""
    from cifarzoo import augment

    presets = {name: [repr(op) for op in augment.create(name, size).ops] for name in augment.list_presets()}
    if as_json:
        write_json(presets)
    else:
        rows = [(name, "\n".join(ops) or NOTHING) for name, ops in presets.items()]
        write_table(("preset", f"operations at {size}x{size}"), rows)


@app.command("show")
def show(
    *,
    preset: Annotated[str, typer.Option(metavar="NAME", help="A preset, as `cifarzoo augment list` names it.")],
    output: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Write a contact sheet: originals above, versions below.")
    ] = None,
    picture: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture of yours; may be given several times.")
    ] = None,
    size: Size = 64,
    versions: Annotated[int, typer.Option(min=1, help="Rows below the originals.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what a preset holds and, as a picture, what it does."""
    import torch

    from cifarzoo import augment
    from cifarzoo.augment.sheet import contact_sheet, drawn_pictures
    from cifarzoo.cli.pictures import read_picture

    if picture and output is None:
        raise SettingError("--picture is for the contact sheet; add --output PNG")
    pipeline = augment.create(preset, size)
    if output is not None:
        check_png(output)
        images = torch.stack([read_picture(path, size) for path in picture]) if picture else drawn_pictures(size)
        sheet = contact_sheet(pipeline, images, versions=versions, seed=seed, zoom=max(1, 96 // size))
        write_pixels(sheet, output)
    if as_json:
        write_json({"preset": preset, "ops": [repr(op) for op in pipeline.ops], "output": output and str(output)})
        return
    typer.echo(repr(pipeline))
    if output is not None:
        typer.echo(f"written: {output}")
