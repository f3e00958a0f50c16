"""``cifarzoo bench``: what this machine does, beside other ways to do it, as records that can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cifarzoo.cli.options import AsJson, Device
from cifarzoo.cli.output import write_json, write_table

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


@app.command("recipes")
def recipes(
    *,
    root: BenchRoot,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The record; recipes that are in it are left out.")],
    images: Annotated[int, typer.Option(min=1, help="Training images, the same share of each class.")] = 10_000,
    test_images: Annotated[int, typer.Option(min=1, help="Test images, likewise.")] = 2_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes; the schedules are shortened to them.")] = 2,
    recipe: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Some of the nine only.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a few epochs by each of the report's nine recipes; repeated, it goes on where it was."""
    from cifarzoo.bench.recipes import bench_recipes

    record = bench_recipes(
        root,
        output,
        images=images,
        test_images=test_images,
        epochs=epochs,
        names=recipe or (),
        device=device,
        say=lambda text: typer.echo(text, err=True),
    )
    if as_json:
        write_json(record)
        return
    rows = [
        (
            run["recipe"],
            f"{run['first_loss']:.3f}",
            f"{run['loss'][-1]:.3f}",
            f"{run['train_top1'][-1]:.2f}",
            f"{run['test_top1'][-1]:.2f}",
            f"{run['images_per_s'][-1]:.0f}",
        )
        for run in record["runs"]
    ]
    write_table(("recipe", "first loss", "last loss", "train %", "test %", "images/s"), rows, title=str(output))


def _give(result: dict[str, Any], output: Path | None) -> None:
    """Write a record to its file, or print it."""
    from cifarzoo.bench.runs import write_record

    if output is None:
        write_json(result)
    else:
        write_record(result, output)
        typer.echo(f"record: {output}")
