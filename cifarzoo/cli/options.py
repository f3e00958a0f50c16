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
