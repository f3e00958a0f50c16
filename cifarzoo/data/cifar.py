"""CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 32x32, 10 classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cifarzoo.data import build, specs
from cifarzoo.data.contents import Contents, RawPixels
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.layouts import check_counts, check_split, missing, tree_contents
from cifarzoo.data.sources import Folder
from cifarzoo.errors import DataError

_RECORD_BYTES = 1 + 3 * 32 * 32  # a label, then the red, green and blue planes
_BATCHES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
_LAYOUTS = ("cifar-10-batches-bin/data_batch_1.bin ... test_batch.bin", "train/<class>/*.png and test/<class>/*.png")


class CIFAR10(Dataset):
    """The 50,000 training or 10,000 test images.

    Args:
        root: the folder that holds the batches or the tree, or the folder above it.
        split: "train" or "test".
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images than the official set has.

    Raises:
        DataError: nothing is found, or what is found is damaged or incomplete.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
        partial: bool = False,
    ) -> None:
        spec = specs.CIFAR10
        check_split(spec, split)
        folder, binary = _find(Path(root), split)

        def read() -> Contents:
            contents = _read_binary(folder, split) if binary else _read_tree(folder, split)
            check_counts(spec, split, contents.targets, partial=partial, where=folder)
            return contents

        paths = [folder / name for name in _BATCHES[split]] if binary else [folder / split]
        paths = [path for path in paths if path.exists()]
        arrays = build.load(spec.name, split, paths, read, where=cache, on_error=on_error, options=f"{partial}")
        super().__init__(
            images=arrays.images,
            targets=arrays.targets,
            classes=arrays.classes,
            class_names=arrays.class_names,
            mean=spec.mean,
            std=spec.std,
            name=spec.name,
            split=split,
            fingerprint=arrays.fingerprint,
            cache_file=arrays.file,
        )


def _find(root: Path, split: str) -> tuple[Path, bool]:
    """The folder of the set, and whether it holds binary batches."""
    for folder in (root / "cifar-10-batches-bin", root, root / "cifar10", root / "CIFAR-10"):
        if (folder / _BATCHES[split][0]).is_file():
            return folder, True
        if (folder / split / specs.CIFAR10_CLASSES[0]).is_dir():
            return folder, False
    raise missing("CIFAR-10", root, _LAYOUTS)


def _read_binary(folder: Path, split: str) -> Contents:
    """The official batches of records."""
    parts = []
    for path in (folder / name for name in _BATCHES[split]):
        if not path.is_file():
            raise DataError(f"{path} is missing; unpack the official archive again")
        content = np.fromfile(path, dtype=np.uint8)
        if not len(content) or len(content) % _RECORD_BYTES:
            raise DataError(f"{path} has {len(content)} bytes, no multiple of {_RECORD_BYTES}; unpack it again")
        parts.append(content.reshape(-1, _RECORD_BYTES))
    records = np.concatenate(parts)  # (N, 3073)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= specs.CIFAR10.num_classes:
        raise DataError(f"{folder} has a label {labels.max()}, not one of 0 ... 9; unpack the official archive again")
    return Contents(
        pixels=RawPixels(records[:, 1:].reshape(-1, 3, 32, 32)),
        targets=labels,
        classes=specs.CIFAR10_CLASSES,
        class_names=specs.CIFAR10_CLASSES,
        size_px=(32, 32),
    )


def _read_tree(folder: Path, split: str) -> Contents:
    """One picture a file, in a folder for each class."""
    return tree_contents(Folder(folder / split), "", specs.CIFAR10_CLASSES, specs.CIFAR10_CLASSES, (32, 32))
