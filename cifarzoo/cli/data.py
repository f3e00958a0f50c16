"""``cifarzoo data``: what the sets hold, whether it is whole, where it comes from and how it looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifarzoo import files
from cifarzoo.cli.options import AsJson, Root
from cifarzoo.cli.output import NOTHING, check_png, write_fields, write_json, write_pixels, write_table
from cifarzoo.errors import IntegrityError, SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from cifarzoo.data import Dataset

app = typer.Typer(name="data", no_args_is_help=True, help="Look at, check and download data sets.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A set's name, as `cifarzoo data info` lists them.")]
Side = Annotated[int | None, typer.Option("--size", metavar="PX", help="Side of the images of a folder of pictures.")]


@app.command("info")
def info(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A set's name; without it all are listed.")] = None,
    *,
    root: Root = None,
    size: Side = None,
    as_json: AsJson = False,
) -> None:
    """List the sets, or tell what one of them holds."""
    from cifarzoo import data

    if name is None:
        known = [data.entry(each) for each in data.names()]
        records = [
            {"name": each, "title": entry.title, "size_px": entry.size_px, "num_classes": entry.num_classes}
            for each, entry in zip(data.names(), known, strict=True)
        ]
        if as_json:
            write_json(records)
            return
        columns = ("name", "what", "side px", "classes")
        write_table(columns, [[NOTHING if cell is None else str(cell) for cell in each.values()] for each in records])
        return
    splits = [_describe(data.open(name, root, split, size=size)) for split in data.entry(name).splits]
    if as_json:
        write_json(splits)
        return
    for record in splits:
        write_fields([(key, _text(value)) for key, value in record.items()])
        typer.echo()


@app.command("check")
def check(name: Name, *, root: Root = None, size: Side = None, as_json: AsJson = False) -> None:
    """Read a set whole: cached pixels against their hash, images of each class, grey images, images that occur twice.

    A damaged cache is built anew.
    """
    from cifarzoo import data

    records = []
    training: Dataset | None = None
    for split in data.entry(name).splits:
        dataset, state = _verified(name, root, split, size)
        counts = dataset.targets.bincount(minlength=dataset.num_classes)
        record: dict[str, Any] = {
            "split": split,
            "cache": state,
            "images": len(dataset),
            "images_per_class": [int(counts.min()), int(counts.max())],
            "left_out": getattr(dataset, "skipped", 0),
            "grey": _count_grey(dataset.images),
            "repeated": len(data.find_duplicates(dataset)),
            "in_training_part": None if training is None else len(data.find_overlap(training, dataset)),
        }
        training = training or dataset
        records.append(record)
    if as_json:
        write_json(records)
        return
    columns = ("split", "cache", "images", "per class", "left out", "grey", "repeated", "in training part")
    write_table(columns, [[_text(cell) for cell in record.values()] for record in records])


@app.command("download")
def download(
    name: Name,
    *,
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Where to put the archive.")],
    as_json: AsJson = False,
) -> None:
    """Fetch the official archive of a set; a download that was cut off goes on where it was."""
    from cifarzoo import data
    from cifarzoo.data.download import fetch

    spec = data.entry(name).spec
    if spec is None:
        official = [each for each in data.names() if data.entry(each).spec]
        raise SettingError(f"{name} has no archive to download; those that have one: {', '.join(official)}")
    path = fetch(spec.archive, root)
    if as_json:
        write_json({"name": name, "path": str(path), "bytes": path.stat().st_size, "sha256": spec.archive.sha256})
    else:
        typer.echo(path)


@app.command("cache")
def cache(
    pattern: Annotated[str, typer.Argument(help="Shell pattern of the files, such as 'cifar10-*'.")] = "*",
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Delete them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List or clear the decoded images ($CIFARZOO_CACHE, or the user's cache folder)."""
    from cifarzoo.data import cache as caches

    folder = caches.folder()
    found = [path for path in caches.files() if path.match(f"{pattern}{caches.SUFFIX}")]
    records = [{"file": path.name, **_cached(path)} for path in found]
    if clear:
        with files.writing(folder or "the cache"):
            caches.clear(pattern=pattern)
    if as_json:
        write_json({"folder": str(folder), "cleared": clear, "files": records})
        return
    rows = [[_text(cell) for cell in record.values()] for record in records]
    write_table(("file", "MB", "images", "side px"), rows, title=f"{folder}{' (cleared)' if clear else ''}")


@app.command("show")
def show(
    name: Name,
    *,
    root: Root = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    size: Side = None,
    rows: Annotated[int, typer.Option(min=1, max=100, help="Rows of the sheet, a class each.")] = 10,
    columns: Annotated[int, typer.Option(min=1, max=100, help="Images of each class.")] = 12,
    seed: Annotated[int, typer.Option(help="Which images.")] = 0,
    output: Annotated[Path, typer.Option(metavar="PNG", help="The picture to write.")] = Path("sheet.png"),
    as_json: AsJson = False,
) -> None:
    """Write a contact sheet: images drawn at random, a class in each row."""
    from cifarzoo import data
    from cifarzoo.cli.sheet import draw_rows, draw_sheet

    check_png(output)
    dataset = data.open(name, root, split, size=size)
    chosen, labels = draw_rows(dataset.targets, rows=rows, columns=columns, seed=seed)
    write_pixels(draw_sheet(dataset.images[chosen.flatten()], columns=columns), output)
    names = [dataset.class_names[label] for label in labels]
    if as_json:
        write_json({"picture": str(output), "rows": names, "indices": chosen.tolist()})
    else:
        typer.echo(f"{output}: {'; '.join(names)}")


def _describe(dataset: Dataset) -> dict[str, Any]:
    """A set's fields."""
    count, channels, height, width = dataset.images.shape
    return {
        "name": dataset.name,
        "split": dataset.split,
        "images": count,
        "shape": [channels, height, width],
        "classes": dataset.num_classes,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "layout": getattr(dataset, "layout", None),
        "left_out": getattr(dataset, "skipped", 0),
        "fingerprint": dataset.fingerprint,
        "cache_file": None if dataset.cache_file is None else str(dataset.cache_file),
    }


def _count_grey(images: Tensor) -> int:
    """How many images of (N, 3, H, W) have three equal channels; block by block, since they may not fit in memory."""
    count = 0
    for first in range(0, len(images), 1024):
        red, green, blue = images[first : first + 1024].unbind(1)
        count += int(((red == green) & (green == blue)).flatten(1).all(dim=1).sum())
    return count


def _verified(name: str, root: Path | None, split: str, size: int | None) -> tuple[Dataset, str]:
    """A split and the state of its cache, which is built anew where it is damaged."""
    from cifarzoo import data
    from cifarzoo.data import cache as caches

    dataset = data.open(name, root, split, size=size)
    if dataset.cache_file is None:
        return dataset, "none"
    try:
        caches.verify(dataset.cache_file)
    except IntegrityError:
        with files.writing(dataset.cache_file):
            dataset.cache_file.unlink(missing_ok=True)
        return data.open(name, root, split, size=size), "was damaged, built anew"
    return dataset, "whole"


def _cached(path: Path) -> dict[str, Any]:
    """What a cache file holds; nothing of it where it is damaged."""
    from cifarzoo.data import cache as caches

    megabytes = None
    try:
        megabytes = round(path.stat().st_size / 1e6, 1)
        arrays = caches.read(path)
    except (OSError, IntegrityError):
        return {"megabytes": megabytes, "images": None, "size_px": None}
    return {"megabytes": megabytes, "images": len(arrays.images), "size_px": arrays.images.shape[-1]}


def _text(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return " ".join(f"{item:.6g}" if isinstance(item, float) else str(item) for item in value)
    return str(value)
