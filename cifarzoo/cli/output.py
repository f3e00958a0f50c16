"""How commands write: JSON for programs, tables for people."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cifarzoo import files
from cifarzoo.errors import SettingError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

NOTHING = "-"


def is_first_process() -> bool:
    """Whether this is the one of the processes that torchrun has started that says what came out."""
    return os.environ.get("RANK", "0") == "0"


def write_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table.

    Args:
        columns: the headings.
        rows: a cell for each heading.
        title: what stands above.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column, numbers in zip(columns, _are_numbers(rows, len(columns)), strict=True):
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    table.columns[0].no_wrap = True  # names that are to be typed
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def write_fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, a line each, the values aligned."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        typer.echo(f"{name:<{width}}  {value}")


def check_png(path: Path, *, option: str = "--output") -> None:
    """Raise SettingError for a picture that would not be what its name says: all are PNG files."""
    if path.is_dir():
        raise SettingError(f"{option} {path} is a folder; name the picture to write, such as {path / 'picture.png'}")
    if path.suffix.lower() != ".png":
        raise SettingError(f"{option} {path} must end in .png, the kind of picture that is drawn")


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; SettingError if it cannot be written."""
    from cifarzoo.training.plots import save_figure

    with files.writing(path):
        save_figure(figure, path)


def write_pixels(pixels: Tensor, path: Path) -> None:
    """Write (3, H, W) uint8 as PNG; SettingError if it cannot be written."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(content, "PNG")  # (H, W, 3)
    with files.writing(path):
        files.write_bytes(path, content.getvalue())


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same table in Markdown."""
    rules = ["---:" if numbers else "---" for numbers in _are_numbers(rows, len(columns))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, rules, *rows))


def _are_numbers(rows: Sequence[Sequence[str]], columns: int) -> list[bool]:
    """Whether each column holds numbers (or nothing), which are aligned to the right."""
    return [all(row[place] == NOTHING or row[place][:1].isdigit() for row in rows) for place in range(columns)]


def millions(count: int) -> str:
    """A count as millions with two decimals, such as ``53.24M``."""
    return f"{count / 1e6:.2f}M"
