"""Data sets as commands name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifarzoo.data import Dataset
    from cifarzoo.weights import Card


def set_of(card: Card) -> str | None:
    """The name of the set that weights learned from; None where the card does not say."""
    of_recipe: str | None = (card.recipe or {}).get("data")
    return of_recipe if of_recipe == "folder" or card.dataset is None else card.dataset  # a folder has its own name


def open_set(
    name: str, root: Path | None, split: str, *, size: int | None, model_size: int, download: bool = False
) -> Dataset:
    """Open a data set by name.

    Args:
        name: as ``cifarzoo.data.names()`` has it.
        root: where it lies.
        split: "train" or "test".
        size: side of the images in px, where the set leaves that open.
        model_size: the side that is taken then if ``size`` is None.
        download: fetch it where it is missing.
    """
    from cifarzoo import data

    if size is None and data.entry(name).size_px is None:
        size = model_size
    return data.open(name, root, split, size=size, download=download)
