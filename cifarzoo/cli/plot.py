"""``cifarzoo plot``: the curves of runs in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cifarzoo.cli.options import AsJson
from cifarzoo.cli.output import check_png, write_figure, write_json
from cifarzoo.errors import SettingError


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    *,
    output: Annotated[Path, typer.Option(metavar="PNG", help="The picture to write.")] = Path("curves.png"),
    as_json: AsJson = False,
) -> None:
    """Draw loss, accuracy and learning rate of one or more runs into one picture."""
    from cifarzoo.training.history import History
    from cifarzoo.training.plots import draw_curves

    check_png(output)
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    if len(set(names)) < len(names):
        raise SettingError(f"a run is named twice in {', '.join(names)}; name each once")
    histories = {name: History.read(run) for name, run in zip(names, runs, strict=True)}
    write_figure(draw_curves(histories), output)
    if as_json:
        write_json(
            {"picture": str(output), "last": {name: history.last.to_json() for name, history in histories.items()}}
        )
    else:
        typer.echo(f"written to {output}")
