"""``cifarzoo eval``: a trained model on a test set."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifarzoo.cli.options import AsJson, Device, Download, Root, Size
from cifarzoo.cli.output import write_fields, write_figure, write_json
from cifarzoo.cli.sets import open_set, set_of
from cifarzoo.errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from cifarzoo.data import Dataset


def evaluate(
    run: Annotated[str, typer.Argument(help="A run's folder, weights (arch.tag), a .safetensors file or its URL.")],
    *,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="The data set; by default the run's own.")] = None,
    root: Root = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "test",
    size: Size = None,
    views: Annotated[int, typer.Option(help="Views of each image that are averaged: 1, 2 or 6.")] = 1,
    plots: Annotated[
        bool, typer.Option("--plots", help="Draw confusion.png, and the worst mistakes as mistakes.png.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the plots go; the run's folder by default, or here.")
    ] = None,
    download: Download = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a trained model on the whole test set of a data set."""
    import cifarzoo
    from cifarzoo.training import compute_logits
    from cifarzoo.training.checks import choose_device
    from cifarzoo.training.evaluation import summarize

    if output is not None and not plots:
        raise SettingError(f"--output {output} is for --plots; add it")
    model = cifarzoo.load(run)
    card = model.card
    name = data or set_of(card)
    if name is None:
        raise SettingError(f"the card of {run} names no data set; add --data NAME")
    model_size = card.input_size or model.default_input_size
    dataset = open_set(name, root, split, size=size, model_size=model_size, download=download)
    logits = compute_logits(model.to(choose_device(device)), dataset, views=views)
    if card.classes is not None and list(dataset.class_names) != list(card.classes):
        typer.echo(f"cifarzoo: {name} has other classes than {run} was trained on: only their places agree", err=True)
    result = summarize(logits, dataset.targets, dataset.classes, views=views)
    folder = output or _beside(run)
    pictures = _draw(logits, dataset, folder) if plots else []
    if as_json:
        drawn = [str(path) for path in pictures]
        write_json({"run": run, "data": name, "split": split, **asdict(result), "plots": drawn})
        return
    write_fields(
        [
            ("top-1", f"{result.top1:.2f} %"),
            ("top-5", f"{result.top5:.2f} %"),
            ("loss", f"{result.loss:.4f}"),
            ("calibration error", f"{100 * result.ece:.2f} %"),
            ("images", f"{result.images} ({name}, {split}, {result.views} view{'s' * (result.views > 1)})"),
            *(("plot", str(path)) for path in pictures),
        ]
    )


def _beside(run: str) -> Path:
    """Where the plots of weights go: into a run's folder, beside a file, else here."""
    path = Path(run)
    return path if path.is_dir() else path.parent if path.is_file() else Path()


def _draw(logits: Tensor, dataset: Dataset, folder: Path) -> list[Path]:
    """Draw what is taken for what, and the pictures on which the model is most sure and wrong."""
    from cifarzoo.training.plots import draw_confusion, draw_mistakes

    figures = {
        "confusion.png": draw_confusion(logits, dataset.targets, dataset.class_names),
        "mistakes.png": draw_mistakes(dataset.images, logits, dataset.targets, dataset.class_names),
    }
    for name, figure in figures.items():
        write_figure(figure, folder / name)
    return [folder / name for name in figures]
