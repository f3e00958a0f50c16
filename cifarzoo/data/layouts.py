"""What the readers of several sets share: what was found under a root, pictures in a folder for each class, checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarzoo.data.contents import Contents, Decode, EncodedPixels, encoded_files
from cifarzoo.data.readers import parquet, picture
from cifarzoo.data.readers.files import Files, stamp
from cifarzoo.data.specs import Spec
from cifarzoo.errors import DataError, NotFoundError, SettingError

PICTURES = (".png", ".jpg", ".jpeg")
SPLIT_NAMES = {"train": ("train",), "test": ("test",), "val": ("val", "valid", "validation")}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A source that was found: nothing of it is read before ``read`` is called.

    Attributes:
        layout: which of the accepted ones.
        paths: the files and folders that decide what is in it.
        parts: names directly below those folders that count; None for all.
        read: everything but the pixels.
    """

    layout: str
    paths: tuple[Path, ...]
    read: Callable[[], Contents]
    parts: Collection[str] | None = None

    def stamps(self) -> list[object]:
        """What tells this state of the source from any other."""
        return [stamp(path, self.parts) for path in self.paths]


def find_parquet(root: Path, split: str) -> list[Path]:
    """The parquet files of a split under a root."""
    return parquet.find(root, SPLIT_NAMES[split])


def is_picture(name: str, endings: tuple[str, ...] = PICTURES) -> bool:
    """Whether a file is one, by its name; hidden files are not."""
    return name.lower().endswith(endings) and not name.rpartition("/")[2].startswith(".")


def check_size(size: object, *, optional: bool = False) -> None:
    """Raise SettingError unless it is a side in px that pictures can be resized to."""
    if size is None and optional:
        return
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 1024:
        raise SettingError(f"size (={size!r}) must be an integer in 1 ... 1024")


def check_split(spec: Spec, split: str) -> None:
    """Raise SettingError for a split that the set does not have."""
    if split not in spec.per_class:
        raise SettingError(f"split (={split!r}) of {spec.name} must be one of: {', '.join(spec.per_class)}")


def check_counts(spec: Spec, split: str, targets: np.ndarray, *, partial: bool, where: Path) -> None:
    """Raise DataError unless each class has as many images as the official set gives it; with ``partial``, at most."""
    labels = targets[(targets < 0) | (targets >= spec.num_classes)]
    if len(labels):
        raise DataError(f"{where} has a label {labels[0]}, not one of 0 ... {spec.num_classes - 1}; get it anew")
    counts = np.bincount(targets, minlength=spec.num_classes)
    wrong = np.flatnonzero(counts > spec.per_class[split] if partial else counts != spec.per_class[split])
    if len(wrong):
        raise DataError(
            f"{where} has {counts[wrong[0]]} images of class {wrong[0]} in split {split!r} where {spec.title} has "
            f"{spec.per_class[split]} ({len(wrong)} of {len(counts)} classes differ); get it anew, or pass partial=True"
        )


def missing(spec: Spec, root: Path, layouts: Sequence[str]) -> NotFoundError:
    """The error for a root where nothing is found."""
    state = "holds none of its layouts" if root.exists() else "does not exist"
    return NotFoundError(
        f"{spec.title} is not found: {root.absolute()} {state}. Accepted, there or as root itself: "
        f"{'; '.join(layouts)}. download=True fetches it, or `cifarzoo data download {spec.name} --root DIR`"
    )


def encoded(
    files: Files,
    labelled: Sequence[tuple[int, str]],
    classes: tuple[str, ...],
    class_names: tuple[str, ...],
    size_px: tuple[int, int],
    decode: Decode = picture.decode_into,
) -> Contents:
    """Contents from (label, file) pairs, in the order of labels and then of names: the same from every layout."""
    ordered = sorted(labelled, key=lambda pair: (pair[0], pair[1].rpartition("/")[2], pair[1]))
    return Contents(
        pixels=encoded_files(files, [name for _, name in ordered], decode),
        targets=np.array([label for label, _ in ordered], dtype=np.int64),
        classes=classes,
        class_names=class_names,
        size_px=size_px,
    )


def tree_contents(
    files: Files, under: str, classes: tuple[str, ...], class_names: tuple[str, ...], size_px: tuple[int, int]
) -> Contents:
    """Pictures under ``<under><class>/``, however deep below it."""
    places = {name: label for label, name in enumerate(classes)}
    labelled = []
    for name in files.names:
        if name.startswith(under) and is_picture(name):
            label = places.get(name[len(under) :].split("/")[0])
            if label is not None:
                labelled.append((label, name))
    if not labelled:
        raise DataError(f"{files.path} has no pictures under {under}<class>/ for {classes[0]} ... {classes[-1]}")
    return encoded(files, labelled, classes, class_names, size_px)


def parquet_pixels(table: parquet.Table, decode: Decode = picture.decode_into) -> EncodedPixels:
    """The pictures of parquet files."""
    return EncodedPixels(read=table.picture, name=lambda row: f"{table.path}: row {row}", decode=decode)
