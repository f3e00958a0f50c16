"""``cifarzoo bench``: what this machine does, beside other ways to do it, as records that can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cifarzoo.cli.options import AsJson, Device
from cifarzoo.cli.output import NOTHING, check_png, write_json, write_table

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
    as_json: AsJson = False,
) -> None:
    """Keep what a training run measured as one JSON record."""
    from cifarzoo.bench.runs import run_record

    _give(run_record(run), output, as_json=as_json)


@app.command("data")
def data(*, root: BenchRoot, rounds: Rounds = 5, output: Output = None, as_json: AsJson = False) -> None:
    """Batches of the loader against torchvision, datasets and plain indexing, on the real sets."""
    from cifarzoo.bench.data import bench_data

    _give(bench_data(tiny_imagenet=root, cifar10=root, rounds=rounds), output, as_json=as_json)


@app.command("augment")
def augment(*, root: BenchRoot, rounds: Rounds = 5, output: Output = None, as_json: AsJson = False) -> None:
    """Augmentation against torchvision, kornia and airbench's method, on the real sets (needs the extra `bench`)."""
    from cifarzoo.bench.augment import bench_augment

    _give(bench_augment(tiny_imagenet=root, cifar10=root, rounds=rounds), output, as_json=as_json)


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


@app.command("train")
def train(
    *,
    root: BenchRoot,
    model: Annotated[str, typer.Option(metavar="NAME", help="Of all contests but that of the recipe.")] = "speednet",
    images: Annotated[
        int, typer.Option(min=1, help="Of a contestant's epoch; fewer are quicker, and noisier.")
    ] = 50_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 1000,
    precision: Annotated[str, typer.Option(metavar="NAME", help="auto, fp32 or bf16.")] = "auto",
    rounds: Annotated[int, typer.Option(min=1, help="How often each contestant runs, in turn.")] = 3,
    part: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="step, compiled, peers, defaults or recipe; several may be named; else all."),
    ] = None,
    recipe: Annotated[str, typer.Option(metavar="NAME", help="Timed beside airbench94's plain port.")] = "speed/c94",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """The Trainer against a bare loop, timm's data, Lightning, transformers (need the extra `bench`); fast recipes."""
    from cifarzoo.bench.train import PARTS, bench_train

    record = bench_train(
        root,
        model=model,
        images=images,
        batch_size=batch_size,
        precision=precision,
        rounds=rounds,
        parts=part or PARTS,
        recipe=recipe,
        say=lambda text: typer.echo(text, err=True),
    )
    _give(record, output, as_json=as_json)


@app.command("batch")
def batch(
    model: Annotated[str, typer.Argument(help="A model, as `cifarzoo list` names it.")],
    *,
    batch_size: Annotated[
        list[int] | None, typer.Option("--batch-size", help="Images a step; may be given several times.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PX", help="Side of the images; the model's own by default.")
    ] = None,
    precision: Annotated[str, typer.Option(metavar="NAME", help="auto, fp32 or bf16.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Measure each at least so long.")] = 5.0,
    device: Device = "auto",
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw images/s against batch size.")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Training speed and memory against batch size."""
    from cifarzoo.bench.batch import BATCH_SIZES, bench_batch, draw_batch

    if plot is not None:
        check_png(plot, option="--plot")
    record = bench_batch(
        model,
        batch_sizes=batch_size or BATCH_SIZES,
        size=size,
        precision=precision,
        seconds=seconds,
        device=device,
        say=lambda text: typer.echo(text, err=True),
    )
    if output is not None or as_json:
        _give(record, output, as_json=as_json)
    else:
        rows = [
            tuple(NOTHING if row[key] is None else f"{row[key]:g}" for key in record["rows"][0])
            for row in record["rows"]
        ]
        title = f"{model}, {record['precision']}"
        write_table(("batch", "images/s", "GFLOP/s", "ms a step", "peak MB"), rows, title=title)
    if plot is not None:
        draw_batch(record, plot)


@app.command("muon")
def muon(*, rounds: Rounds = 5, output: Output = None, as_json: AsJson = False) -> None:
    """A step of our Muon against torch's and timm's, on the filters of two models."""
    from cifarzoo.bench.muon import bench_muon

    _give(bench_muon(rounds=rounds, say=lambda text: typer.echo(text, err=True)), output, as_json=as_json)


def _give(result: dict[str, Any], output: Path | None, *, as_json: bool = False) -> None:
    """Write a record to its file, or print it."""
    from cifarzoo.bench.runs import write_record

    if output is not None:
        write_record(result, output)
    if output is None or as_json:
        write_json(result)
    else:
        typer.echo(f"record: {output}")
