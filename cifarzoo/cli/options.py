"""Options that several commands share, so that they read and behave alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
DataName = Annotated[str, typer.Option("--data", metavar="NAME", help="The data set, such as cifar10 or digits.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="The folder of the data set or of its archive; digits needs none."),
]
