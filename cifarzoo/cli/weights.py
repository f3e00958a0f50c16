"""``cifarzoo weights``: what is published, how it is described, and how a run becomes published weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifarzoo.cli.options import AsJson, Root
from cifarzoo.cli.output import NOTHING, millions, write_fields, write_json, write_table
from cifarzoo.cli.sets import open_set, set_of
from cifarzoo.errors import IntegrityError, SettingError

if TYPE_CHECKING:
    from cifarzoo.weights import Card

app = typer.Typer(name="weights", no_args_is_help=True, help="List, describe and publish pretrained weights.")

COLUMNS = ("weights", "data", "params", "MB", "top-1 %", "views %", "hours")
BROKEN_CARD = 1
_MOST_SHOWN = 80  # characters of a value; --json has them all


@app.command("list")
def list_weights(*, as_json: AsJson = False) -> None:
    """List the weights that `create(NAME, pretrained=True)` takes.

    A card that cannot be read is reported, and the others are listed; the exit code is 1 then.
    """
    import cifarzoo

    cards: dict[str, Card] = {}
    names = cifarzoo.list_models(pretrained=True)
    for name in names:
        try:
            cards[name] = cifarzoo.weights.info(name)
        except IntegrityError as error:
            typer.echo(f"cifarzoo: {error}", err=True)
    if as_json:
        write_json([{"name": name, **asdict(card)} for name, card in cards.items()])
    else:
        _show(cards)
    if len(cards) < len(names):
        raise typer.Exit(BROKEN_CARD)


def _show(cards: Mapping[str, Card]) -> None:
    """Weights as a table."""
    rows = [
        (
            name,
            card.dataset or NOTHING,
            millions(card.params) if card.params else NOTHING,
            f"{card.bytes / 1e6:.1f}" if card.bytes else NOTHING,
            *(NOTHING if value is None else f"{value:.2f}" for value in (card.top1, card.top1_views)),
            NOTHING if card.seconds is None else f"{card.seconds / 3600:.2f}",
        )
        for name, card in cards.items()
    ]
    write_table(COLUMNS, rows)


@app.command("info")
def info(name: Annotated[str, typer.Argument(help="arch.tag, or arch.")], *, as_json: AsJson = False) -> None:
    """Show the card of weights."""
    from cifarzoo import weights

    fields = asdict(weights.info(name))
    if as_json:
        write_json(fields)
        return
    texts = {key: NOTHING if value is None else str(value) for key, value in fields.items()}
    write_fields(
        [(key, text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}...") for key, text in texts.items()]
    )


@app.command("card")
def card(
    name: Annotated[str, typer.Argument(help="arch.tag, or arch.")],
    *,
    kind: Annotated[str, typer.Option("--format", metavar="NAME", help="hf (a hub's model card) or docs.")] = "docs",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")] = None,
) -> None:
    """Write the card of weights for readers, in Markdown."""
    from cifarzoo import files, weights
    from cifarzoo.weights.rendering import render
    from cifarzoo.weights.search import resolve

    name = resolve(name)
    text = render(replace(weights.info(name), tag=name.partition(".")[2]), kind)  # a run's own card has no tag
    if output is None:
        typer.echo(text, nl=False)
    else:
        with files.writing(output):
            files.write_text(output, text)
        typer.echo(f"card: {output}")


@app.command("publish")
def publish(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    name: Annotated[str, typer.Argument(help="arch.tag.")],
    *,
    root: Root = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where file and card are written.")],
    dtype: Annotated[str, typer.Option(metavar="NAME", help="fp16, bf16 or fp32.")] = "fp16",
    seed_run: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="A run of another seed; may be given several times.")
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Where the file will be had; may be given several times.")
    ] = None,
    hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="A hub's repository that will have it.")] = None,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Publish even if half precision costs over 0.02 points.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store a run's weights in half precision, measure them as stored, and write file and card."""
    import cifarzoo
    from cifarzoo.training.publishing import publish as publish_run

    model = cifarzoo.load(run)
    data = set_of(model.card)
    if data is None:
        raise SettingError(f"the card of {run} names no data set; train it with cifarzoo train")
    size = model.card.input_size or model.default_input_size
    found = publish_run(
        run,
        name,
        model,
        open_set(data, root, "test", size=None, model_size=size),
        folder=output,
        dtype=dtype,
        other_seeds=seed_run or (),
        urls=url or (),
        hub_id=hub,
        allow_loss=allow_loss,
    )
    if as_json:
        write_json(asdict(found))
        return
    typer.echo(
        f"{output / name}.safetensors: {(found.bytes or 0) / 1e6:.2f} MB, top-1 {found.top1:.2f} % "
        f"({0 - (found.dtype_loss or 0):+.2f} by {found.dtype}), {found.views} views {found.top1_views:.2f} %"
    )
