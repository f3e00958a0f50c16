"""The user's own pictures, in a folder for each class."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import torch

from cifarzoo.data import build
from cifarzoo.data.cache import Arrays
from cifarzoo.data.contents import Contents
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.layouts import Found, check_size, encoded, is_picture
from cifarzoo.data.parts import stratified
from cifarzoo.data.readers import picture
from cifarzoo.data.readers.files import Folder
from cifarzoo.errors import DataError, NotFoundError, SettingError

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_FOLDERS = {"train": ("train", "training"), "test": ("test", "val", "valid", "validation")}  # the first that is there


class ImageFolder(Dataset):
    """Pictures of any size, turned upright, cut to the middle square and resized with antialiasing.

    Either ``root`` has folders ``train`` and ``test`` (or ``val``), each with a folder for each class; or it has a
    folder for each class, and a stratified part is held out. Mean and std are measured over the training part.

    Args:
        root: the folder.
        split: "train" or "test".
        size: side of the images in px.
        test_frac: share of the pictures that is held out where there are no split folders.
        seed: which pictures these are.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out pictures that cannot be decoded.

    Attributes:
        skipped: pictures that could not be decoded and were left out.

    Raises:
        NotFoundError: there are no pictures.
        DataError: one is damaged.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        size: int = 64,
        *,
        test_frac: float = 0.2,
        seed: int = 0,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
    ) -> None:
        if split not in _FOLDERS:
            raise SettingError(f"split (={split!r}) of a folder must be one of: {', '.join(_FOLDERS)}")
        check_size(size)
        place = Path(root).expanduser()
        load = partial(_load, place, size, test_frac, seed, cache, on_error)
        arrays = load(split)
        training = arrays if split == "train" else load("train")
        if arrays.classes != training.classes:
            raise DataError(f"{place} has other classes in its training part than in its test part; make them agree")
        self.skipped = arrays.skipped
        super().__init__(
            images=arrays.images,
            targets=arrays.targets,
            classes=arrays.classes,
            mean=training.mean,
            std=training.std,
            name=place.resolve().name,
            split=split,
            fingerprint=arrays.fingerprint,
            cache_file=arrays.file,
        )


def _load(
    root: Path, size: int, test_frac: float, seed: int, cache: Path | str | None, on_error: str, split: str
) -> Arrays:
    """The arrays of one split."""
    names = [name for name in _FOLDERS[split] if (root / name).is_dir()]
    apart = any((root / name).is_dir() for name in _FOLDERS["train"])
    alone = not apart and any(_has_folders(root / name) for name in _FOLDERS["test"])  # a test part without the other
    if not root.is_dir() or (apart and not names) or alone:
        absent = "train" if alone else split
        raise NotFoundError(
            f"{root.absolute()} has no pictures for split {absent!r}; accepted: "
            f"{' or '.join(_FOLDERS[absent])}/<class>/*, or <class>/* to have a part held out"
        )
    folder = root / names[0] if apart else root
    read = partial(_read, folder, size, None if apart else (split, test_frac, seed))
    found = Found(layout="<class>/*", paths=(folder,), read=read)
    options = [size] if apart else [size, test_frac, seed]
    return build.load(f"folder-{split}", found, cache_folder=cache, on_error=on_error, options=options, measure=True)


def _has_folders(folder: Path) -> bool:
    """Whether it is there and holds folders, as a split does and a class does not."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_dir() and not entry.name.startswith(".") for entry in entries)
    except OSError:
        return False


def _read(folder: Path, size: int, part: tuple[str, float, int] | None) -> Contents:
    """The pictures of a folder; ``part`` names the split, its share and its seed where it is drawn from them."""
    files = Folder(folder)
    pictures = [name for name in files.names if "/" in name and is_picture(name, _ENDINGS)]
    classes = tuple(sorted({name.partition("/")[0] for name in pictures}))
    if not classes:
        raise NotFoundError(f"{folder.absolute()} has no pictures as <class>/*.jpg (or {', '.join(_ENDINGS[2:])})")
    places = {name: label for label, name in enumerate(classes)}
    labelled = [(places[name.partition("/")[0]], name) for name in pictures]
    if part is not None:
        split, test_frac, seed = part
        labels = torch.tensor([label for label, _ in labelled])
        rows = stratified(labels, test_frac, seed=seed)[split == "test"]
        labelled = [labelled[row] for row in rows.tolist()]
    return encoded(files, labelled, classes, classes, (size, size), picture.resize_into)
