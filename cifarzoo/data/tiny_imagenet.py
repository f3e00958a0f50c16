"""Tiny-ImageNet (Le and Yang, "Tiny ImageNet visual recognition challenge", 2015): 64x64, 200 classes.

Labels are indices into the sorted wnids, from every layout. Some 2 % of the files are grey; they become RGB like all
others.
"""

from __future__ import annotations

from functools import partial as bind
from pathlib import Path

import numpy as np

from cifarzoo.data import download as downloads
from cifarzoo.data import specs
from cifarzoo.data.contents import Contents
from cifarzoo.data.layouts import (
    Found,
    check_split,
    encoded,
    find_parquet,
    is_picture,
    missing,
    parquet_pixels,
    tree_contents,
)
from cifarzoo.data.official import OfficialSet
from cifarzoo.data.readers import parquet
from cifarzoo.data.readers.files import Files, Folder
from cifarzoo.data.readers.zip import Zip
from cifarzoo.errors import DataError

_SIZE_PX = (64, 64)
_WNIDS, _WORDS, _ANNOTATIONS = "wnids.txt", "words.txt", "val_annotations.txt"
_LAYOUTS = (
    "tiny-imagenet-200.zip",
    "tiny-imagenet-200/ with wnids.txt, train/<wnid>/images/*.JPEG, and val/val_annotations.txt or val/<wnid>/",
    "train-*.parquet and valid-*.parquet",
)


class TinyImageNet(OfficialSet):
    """The 100,000 training or 10,000 validation images.

    Args:
        root: the folder that holds a layout, or the layout itself: the official zip, which is not unpacked; the
            unpacked folder, val as it was or re-arranged into folders by class; or Hugging Face parquet files.
        split: "train" or "val" (the test images have no public labels).
        download: fetch the official zip (248 MB) into ``root`` where nothing is found.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images and classes than the official set has.

    Raises:
        DataError: nothing is found, or what is found is damaged or incomplete.
        DownloadError: the archive cannot be fetched.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        download: bool = False,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
        partial: bool = False,
    ) -> None:
        check_split(specs.TINY_IMAGENET, split)
        place = Path(root).expanduser()
        found = _find(place, split)
        if found is None and download:
            downloads.fetch(specs.TINY_IMAGENET.archive, place)
            found = _find(place, split)
        if found is None:
            raise missing(specs.TINY_IMAGENET, place, _LAYOUTS)
        super().__init__(specs.TINY_IMAGENET, split, found, cache=cache, on_error=on_error, partial=partial)


def _find(root: Path, split: str) -> Found | None:
    """Whatever lies under root."""
    for folder in (root / "tiny-imagenet-200", root):
        if (folder / _WNIDS).is_file() and (folder / split).is_dir():
            parts = (_WNIDS, _WORDS, split)
            return Found(
                layout=f"{split}/<wnid>/", paths=(folder,), parts=parts, read=bind(_read_folder, folder, split, parts)
            )
    archive = root if root.is_file() else root / specs.TINY_IMAGENET.archive.name
    if archive.is_file() and archive.suffix != ".parquet":
        return Found(layout=archive.name, paths=(archive,), read=bind(_read_zip, archive, split))
    files = find_parquet(root, split)
    if files:
        words = [path for path in (root / _WORDS,) if path.is_file()]
        return Found(layout="parquet", paths=(*files, *words), read=bind(_read_parquet, root, files))
    return None


def _read_folder(folder: Path, split: str, parts: tuple[str, ...]) -> Contents:
    """The unpacked archive."""
    return _read(Folder(folder, parts), "", split)


def _read_zip(archive: Path, split: str) -> Contents:
    """The archive."""
    files = Zip(archive)
    lists = [name for name in files.names if name.rpartition("/")[2] == _WNIDS]
    if not lists:
        raise DataError(f"{archive} has no {_WNIDS}; get the official archive")
    return _read(files, min(lists, key=len)[: -len(_WNIDS)], split)


def _read(files: Files, base: str, split: str) -> Contents:
    """The pictures of a split below ``base``, with their labels."""
    classes = tuple(sorted(set(_text(files, f"{base}{_WNIDS}").split())))
    if not classes:
        raise DataError(f"{files.path}: {base}{_WNIDS} is empty; get the official archive")
    class_names = _words(_text(files, f"{base}{_WORDS}"), classes) if f"{base}{_WORDS}" in files else classes
    under = f"{base}{split}/"
    flat = [] if split == "train" else [name for name in files.names if _is_flat(name, under) and is_picture(name)]
    if not flat:
        return tree_contents(files, under, classes, class_names, _SIZE_PX)
    labels = _annotations(_text(files, f"{under}{_ANNOTATIONS}"), classes)
    unnamed = [name for name in flat if name.rpartition("/")[2] not in labels]
    if unnamed:
        raise DataError(f"{files.path}: {under}{_ANNOTATIONS} has no label for {unnamed[0]}; get the official archive")
    return encoded(files, [(labels[name.rpartition("/")[2]], name) for name in flat], classes, class_names, _SIZE_PX)


def _is_flat(name: str, under: str) -> bool:
    """Whether a file lies directly in the split's folder or in its ``images/``."""
    return name.startswith(under) and "/" not in name[len(under) :].removeprefix("images/")


def _text(files: Files, name: str) -> str:
    """A text file's content."""
    if name not in files:
        raise DataError(f"{files.path} has no {name}; get the official archive")
    return files.read(name).decode("utf-8", errors="replace")


def _annotations(text: str, classes: tuple[str, ...]) -> dict[str, int]:
    """The labels of the validation pictures by file name."""
    places = {name: label for label, name in enumerate(classes)}
    fields = (line.split("\t") for line in text.splitlines())
    return {row[0]: places[row[1]] for row in fields if len(row) > 1 and row[1] in places}


def _words(text: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes in words, or as wnids where there are none."""
    words = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    return tuple(words.get(wnid, wnid).strip() for wnid in classes)


def _read_parquet(root: Path, paths: list[Path]) -> Contents:
    """The Hub's layout; the names of its labels are wnids, and words.txt may lie beside."""
    table = parquet.read(paths, ("image", "img"))
    if "label" not in table.labels or not table.label_names.get("label"):
        raise DataError(f"{paths[0]} has no column 'label' with the wnids as names; it is no Tiny-ImageNet")
    names, labels = table.label_names["label"], table.labels["label"]
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        raise DataError(f"{paths[0]} has labels outside 0 ... {len(names) - 1}; get it anew")
    classes = tuple(sorted(names))
    places = np.array([classes.index(name) for name in names], dtype=np.int64)  # from the file's labels to ours
    words = root / _WORDS
    return Contents(
        pixels=parquet_pixels(table),
        targets=places[labels],
        classes=classes,
        class_names=_words(words.read_text("utf-8", errors="replace"), classes) if words.is_file() else classes,
        size_px=_SIZE_PX,
    )
