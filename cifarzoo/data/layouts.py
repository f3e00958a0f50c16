"""What the readers of several sets share: pictures in a folder for each class, and the checks on what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from cifarzoo.data.contents import Contents, EncodedPixels
from cifarzoo.data.sources import Files
from cifarzoo.data.specs import Spec
from cifarzoo.errors import DataError, SettingError

PICTURES = (".png", ".jpg", ".jpeg")


def is_picture(name: str) -> bool:
    """Whether a file is one, by its name; hidden files are not."""
    return name.lower().endswith(PICTURES) and not PurePosixPath(name).name.startswith(".")


def check_split(spec: Spec, split: str) -> None:
    """Raise SettingError for a split that the set does not have."""
    if split not in spec.per_class:
        raise SettingError(f"split (={split!r}) of {spec.name} must be one of: {', '.join(spec.per_class)}")


def check_counts(spec: Spec, split: str, targets: np.ndarray, *, partial: bool, where: Path) -> None:
    """Raise DataError unless each class has as many images as the official set gives it."""
    counts = np.bincount(targets, minlength=spec.num_classes)
    wrong = np.flatnonzero(counts != spec.per_class[split])
    if len(wrong) and not partial:
        raise DataError(
            f"{where} has {counts[wrong[0]]} images of class {wrong[0]} in split {split!r} where {spec.name} has "
            f"{spec.per_class[split]} ({len(wrong)} of {len(counts)} classes differ); get it anew, or pass partial=True"
        )


def missing(title: str, root: Path, layouts: Sequence[str]) -> DataError:
    """The error for a root where nothing is found."""
    state = "holds none of its layouts" if root.exists() else "does not exist"
    return DataError(f"{title} is not found: {root.absolute()} {state}; accepted: {'; '.join(layouts)}")


def encoded(
    files: Files,
    labelled: Sequence[tuple[int, str]],
    classes: tuple[str, ...],
    class_names: tuple[str, ...],
    size_px: tuple[int, int],
) -> Contents:
    """Contents from (label, file) pairs, in the order of labels and then of names: the same from every layout."""
    ordered = sorted(labelled, key=lambda pair: (pair[0], PurePosixPath(pair[1]).name))
    names = [name for _, name in ordered]
    return Contents(
        pixels=EncodedPixels([f"{files.path}: {name}" for name in names], lambda row: files.read(names[row])),
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
        raise DataError(
            f"{files.path} has no pictures under {under}<class>/ for the classes {', '.join(classes[:3])}, ..."
        )
    return encoded(files, labelled, classes, class_names, size_px)
