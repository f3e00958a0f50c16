"""``cifarzoo recipes``: the named recipes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cifarzoo.cli.choice import choose_recipe
from cifarzoo.cli.options import AsJson
from cifarzoo.cli.output import NOTHING, write_fields, write_json, write_table

app = typer.Typer(name="recipes", no_args_is_help=True, help="List and show the named recipes.")

COLUMNS = ("recipe", "model", "data", "epochs", "batch")  # what 80 columns hold; `show` has the others


@app.command("list")
def list_recipes(*, as_json: AsJson = False) -> None:
    """List the recipes that `cifarzoo train --recipe NAME` takes."""
    from cifarzoo import recipes

    found = [recipes.get(name) for name in recipes.names()]
    if as_json:
        write_json([json.loads(recipe.to_json()) for recipe in found])
        return
    rows = [
        (
            recipe.name,
            recipe.model or NOTHING,
            recipe.data or NOTHING,
            str(recipe.epochs),
            str(recipe.batch_size),
        )
        for recipe in found
    ]
    write_table(COLUMNS, rows)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A recipe's name, or weights (arch.tag), whose card has one.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show every field of a recipe that `cifarzoo train --recipe NAME` takes."""
    fields = json.loads(choose_recipe(name, model=None, data=None).to_json())
    if as_json:
        write_json(fields)
    else:
        write_fields([(key, NOTHING if value is None else str(value)) for key, value in fields.items()])
