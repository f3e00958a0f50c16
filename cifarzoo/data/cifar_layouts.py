"""Where the images of CIFAR-10 and CIFAR-100 may lie, and how each layout is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from cifarzoo.data import download as downloads
from cifarzoo.data import specs
from cifarzoo.data.contents import Contents, Pixels, RawPixels
from cifarzoo.data.layouts import Found, check_split, find_parquet, missing, parquet_pixels, tree_contents
from cifarzoo.data.readers import parquet, pickled
from cifarzoo.data.readers.files import Files, Folder
from cifarzoo.data.readers.tar import Tar
from cifarzoo.data.specs import Spec
from cifarzoo.errors import DataError

_SIZE_PX = (32, 32)
_PIXEL_BYTES = 3 * 32 * 32  # the red, green and blue planes
_TRAIN, _TEST = "train", "test"


@dataclass(frozen=True, kw_only=True)
class _Version:
    """One of the official versions of a set: a folder of batch files, or the archive of that folder."""

    folder: str
    archive: str
    batches: Mapping[str, tuple[str, ...]]  # by split
    read: Callable[[Format, Files, Sequence[str]], Contents]


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the files of one of the two sets are laid out.

    The first of ``labels`` are the targets; ``record`` is the order in which they stand in a binary record.
    """

    spec: Spec
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    record: tuple[str, ...]
    versions: tuple[_Version, ...]

    @property
    def layouts(self) -> tuple[str, ...]:
        """The accepted ones, for messages."""
        official = [f"{version.folder}/ or {version.archive}" for version in self.versions]
        return (*official, "train-*.parquet and test-*.parquet", "train/<class>/*.png and test/<class>/*.png")


def find(kind: Format, root: Path, split: str, *, download: bool) -> Found:
    """Whatever lies under root, the official versions first.

    Raises:
        DataError: nothing does, and nothing is to be downloaded.
        DownloadError: the download failed.
    """
    check_split(kind.spec, split)
    found = _find_folder(kind, root, split) or _find_archive(kind, root, split) or _find_pictures(kind, root, split)
    if found is None and download:
        downloads.fetch(kind.spec.archive, root)
        found = _find_archive(kind, root, split)
    if found is None:
        raise missing(kind.spec, root, kind.layouts)
    return found


def _find_folder(kind: Format, root: Path, split: str) -> Found | None:
    """An official version, unpacked."""
    for version in kind.versions:
        batches = version.batches[split]
        for folder in (root / version.folder, root):
            if (folder / batches[0]).is_file():
                read = partial(_read_folder, kind, version, folder, split)
                return Found(layout=f"{version.folder}/", paths=(folder,), parts=batches, read=read)
    return None


def _find_archive(kind: Format, root: Path, split: str) -> Found | None:
    """An official version, packed."""
    for path in [root] if root.is_file() else [root / version.archive for version in kind.versions]:
        if path.is_file() and path.suffix != ".parquet":
            return Found(layout=path.name, paths=(path,), read=partial(_read_archive, kind, path, split))
    return None


def _find_pictures(kind: Format, root: Path, split: str) -> Found | None:
    """Parquet files, or a tree of pictures."""
    files = find_parquet(root, split)
    if files:
        return Found(layout="parquet", paths=tuple(files), read=partial(_read_parquet, kind, files))
    tree = root / split
    if any((tree / name).is_dir() for name in kind.classes):
        return Found(layout=f"{split}/<class>/", paths=(tree,), read=partial(_read_tree, kind, tree))
    return None


def _read_folder(kind: Format, version: _Version, folder: Path, split: str) -> Contents:
    """An official version, unpacked."""
    batches = version.batches[split]
    return version.read(kind, Folder(folder, batches), batches)


def _read_archive(kind: Format, path: Path, split: str) -> Contents:
    """An official version, packed; which one shows by the names in it."""
    files = Tar(path, {name for version in kind.versions for name in version.batches[split]})
    for version in kind.versions:
        batches = version.batches[split]
        if _member(files, batches[0]):
            return version.read(kind, files, batches)
    raise DataError(f"{path} has no {kind.versions[0].batches[split][0]}; it is no archive of {kind.spec.title}")


def _member(files: Files, name: str) -> str | None:
    """The full name of a batch, wherever it lies in the archive."""
    return next((full for full in files.names if full.rpartition("/")[2] == name), None)


def _content(files: Files, name: str) -> bytes:
    """The content of a batch."""
    member = _member(files, name)
    if member is None:
        raise DataError(f"{files.path} has no {name}; get the official archive anew")
    return files.read(member)


def _read_binary(kind: Format, files: Files, batches: Sequence[str]) -> Contents:
    """Records of label bytes and pixels."""
    size = len(kind.record) + _PIXEL_BYTES
    parts = []
    for name in batches:
        content = _content(files, name)
        if not content or len(content) % size:
            raise DataError(f"{files.path}: {name} has {len(content)} bytes, no multiple of {size}; get it anew")
        parts.append(np.frombuffer(content, dtype=np.uint8).reshape(-1, size))
    records = np.concatenate(parts)  # (N, label bytes + 3072)
    labels = {name: records[:, place].astype(np.int64) for place, name in enumerate(kind.record)}
    images = records[:, len(kind.record) :].reshape(-1, 3, *_SIZE_PX)  # (N, 3, H, W)
    return _contents(kind, files.path, RawPixels(images), labels)


def _read_python(kind: Format, files: Files, batches: Sequence[str]) -> Contents:
    """Pickled dictionaries of an array of pixels and lists of labels."""
    pixels: list[np.ndarray] = []
    labels: dict[str, list[int]] = {name: [] for name in kind.labels}
    for name in batches:
        batch = pickled.load(_content(files, name), where=f"{files.path}: {name}")
        data = batch.get("data") if isinstance(batch, dict) else None
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (_PIXEL_BYTES,):
            raise DataError(f"{files.path}: {name} has no array 'data' of (N, {_PIXEL_BYTES}) bytes; get it anew")
        pixels.append(data)
        for label, numbers in labels.items():
            column = batch.get(f"{label}s")
            if not isinstance(column, list) or len(column) != len(data) or not {type(x) for x in column} <= {int}:
                raise DataError(f"{files.path}: {name} has no list '{label}s' of {len(data)} numbers; get it anew")
            numbers += column
    images = np.concatenate(pixels).reshape(-1, 3, *_SIZE_PX)  # (N, 3, H, W)
    return _contents(kind, files.path, RawPixels(images), {name: _int64(column) for name, column in labels.items()})


def _int64(numbers: Sequence[int]) -> np.ndarray:
    """Labels as numpy wants them; a number that does not fit becomes -1, which no class has."""
    return np.array([number if 0 <= number < 1 << 31 else -1 for number in numbers], dtype=np.int64)


def _read_parquet(kind: Format, paths: Sequence[Path]) -> Contents:
    """The Hub's layout."""
    table = parquet.read(paths, ("img", "image"))
    absent = [name for name in kind.labels if name not in table.labels]
    if absent:
        raise DataError(f"{paths[0]} has no column {absent[0]!r} of numbers; it is no {kind.spec.title}")
    return _contents(kind, paths[0], parquet_pixels(table), {name: table.labels[name] for name in kind.labels})


def _read_tree(kind: Format, folder: Path) -> Contents:
    """One picture a file, in a folder for each class; a superclass follows from the class."""
    contents = tree_contents(Folder(folder), "", kind.classes, kind.classes, _SIZE_PX)
    if "coarse_label" not in kind.labels:
        return contents
    coarse = np.array(specs.CIFAR100_COARSE_OF_FINE, dtype=np.int64)[contents.targets]
    return replace(contents, columns={"coarse_targets": coarse})


def _contents(kind: Format, where: Path, pixels: Pixels, labels: Mapping[str, np.ndarray]) -> Contents:
    """Contents from the labels by their names."""
    columns = {}
    if "coarse_label" in labels:
        columns["coarse_targets"] = labels["coarse_label"]
        coarse = labels["coarse_label"]
        wrong = coarse[(coarse < 0) | (coarse >= len(specs.CIFAR100_COARSE_CLASSES))]
        if len(wrong):
            raise DataError(f"{where} has a coarse label {wrong[0]}, not one of 0 ... 19; get it anew")
    return Contents(
        pixels=pixels,
        targets=labels[kind.labels[0]],
        classes=kind.classes,
        class_names=kind.classes,
        size_px=_SIZE_PX,
        columns=columns,
    )


CIFAR10 = Format(
    spec=specs.CIFAR10,
    classes=specs.CIFAR10_CLASSES,
    labels=("label",),
    record=("label",),
    versions=(
        _Version(
            folder="cifar-10-batches-bin",
            archive=specs.CIFAR10.archive.name,
            batches={_TRAIN: tuple(f"data_batch_{number}.bin" for number in range(1, 6)), _TEST: ("test_batch.bin",)},
            read=_read_binary,
        ),
        _Version(
            folder="cifar-10-batches-py",
            archive="cifar-10-python.tar.gz",
            batches={_TRAIN: tuple(f"data_batch_{number}" for number in range(1, 6)), _TEST: ("test_batch",)},
            read=_read_python,
        ),
    ),
)
CIFAR100 = Format(
    spec=specs.CIFAR100,
    classes=specs.CIFAR100_CLASSES,
    labels=("fine_label", "coarse_label"),
    record=("coarse_label", "fine_label"),
    versions=(
        _Version(
            folder="cifar-100-binary",
            archive=specs.CIFAR100.archive.name,
            batches={_TRAIN: ("train.bin",), _TEST: ("test.bin",)},
            read=_read_binary,
        ),
        _Version(
            folder="cifar-100-python",
            archive="cifar-100-python.tar.gz",
            batches={_TRAIN: ("train",), _TEST: ("test",)},
            read=_read_python,
        ),
    ),
)
