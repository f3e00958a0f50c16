"""``cifarzoo bench``: what this machine does, beside other ways to do it, as records that can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cifarzoo.cli.output import write_json

app = typer.Typer(name="bench", no_args_is_help=True, help="Measure, and keep what was measured.")

Output = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the record there instead of printing it.")]
BenchRoot = Annotated[
    Path, typer.Option("--root", metavar="DIR", help="The folder that holds CIFAR-10 and Tiny-ImageNet.")
]
Rounds = Annotated[int, typer.Option(min=1, help="How often each contestant runs; 5 for figures to keep.")]


@app.command("record")
def record(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished training run.")],
    *,
    output: Output = None,
) -> None:
    """Keep what a training run measured as one JSON record."""
    from cifarzoo.bench.runs import run_record

    _give(run_record(run), output)


@app.command("data")
def data(*, root: BenchRoot, rounds: Rounds = 5, output: Output = None) -> None:
    """Batches of the loader against torchvision, datasets and plain indexing, on the real sets."""
    from cifarzoo.bench.data import bench_data

    _give(bench_data(tiny_imagenet=root, cifar10=root, rounds=rounds), output)


@app.command("augment")
def augment(*, root: BenchRoot, rounds: Rounds = 5, output: Output = None) -> None:
    """Augmentation against torchvision, kornia and airbench's method, on the real sets (needs cifarzoo[bench])."""
    from cifarzoo.bench.augment import bench_augment

    _give(bench_augment(tiny_imagenet=root, cifar10=root, rounds=rounds), output)


def _give(result: dict[str, Any], output: Path | None) -> None:
    """Write a record to its file, or print it."""
    from cifarzoo.bench.runs import write_record

    if output is None:
        write_json(result)
    else:
        write_record(result, output)
        typer.echo(f"record: {output}")
