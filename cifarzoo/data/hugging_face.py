"""Any image set of the Hugging Face Hub, or in its formats on disk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from cifarzoo.data import build
from cifarzoo.data import download as downloads
from cifarzoo.data.cache import Arrays
from cifarzoo.data.contents import Contents
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.layouts import Found, check_size, parquet_pixels
from cifarzoo.data.measure import derived_fingerprint
from cifarzoo.data.readers import parquet, picture
from cifarzoo.errors import DataError, DownloadError

_MAX_CLASSES = 100_000


class HuggingFace(Dataset):
    """A set with a column of pictures and a column of labels, read through ``datasets``.

    Args:
        name: "user/name" on the Hub, a folder that ``datasets`` reads (parquet, pictures), or one that its
            ``save_to_disk`` wrote.
        split: as the set calls it.
        image: the column of pictures.
        label: the column of labels: numbers, or words.
        size: side of the images in px: they are cut to the middle square and resized. None where all have one size.
        config: which configuration of the set, where it has several.
        train_split: the split whose classes, mean and std are taken.
        download: fetch the set from the Hub where it is not in the Hub's own cache.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out pictures that cannot be decoded.

    Raises:
        DataError: there is no such set, split or column, a class that the training split has not, or a damaged picture.
        SettingError: another size.
        DownloadError: the set cannot be fetched, or ``CIFARZOO_OFFLINE`` forbids it.
    """

    def __init__(
        self,
        name: str | Path,
        split: str = "train",
        *,
        image: str = "image",
        label: str = "label",
        size: int | None = None,
        config: str | None = None,
        train_split: str = "train",
        download: bool = False,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
    ) -> None:
        folder = Path(name) if Path(name).is_dir() else _snapshot(str(name), download=download)

        def load(which: str) -> Arrays:
            read = partial(_read, folder, which, image, label, size, config)
            found = Found(layout="datasets", paths=(folder,), read=read)
            options = [which, image, label, size, config]
            safe_name = "".join(letter if letter.isalnum() else "_" for letter in Path(name).name)
            return build.load(
                f"{safe_name}-{which}", found, cache_folder=cache, on_error=on_error, options=options, measure=True
            )

        check_size(size, optional=True)
        arrays = load(split)
        training = arrays if split == train_split else load(train_split)
        targets, fingerprint = arrays.targets, arrays.fingerprint
        if arrays.classes != training.classes:  # each split has numbered those that it has
            targets = _as_in_training(arrays, training.classes, f"{name}: split {split!r}")
            fingerprint = derived_fingerprint("classes", fingerprint, *training.classes)
        self.skipped = arrays.skipped
        super().__init__(
            images=arrays.images,
            targets=targets,
            classes=training.classes,
            mean=training.mean,
            std=training.std,
            name=str(name),
            split=split,
            fingerprint=fingerprint,
            cache_file=arrays.file,
        )


def _as_in_training(arrays: Arrays, classes: tuple[str, ...], what: str) -> Tensor:
    """The targets as indices into the training split's classes."""
    unknown = [name for name in arrays.classes if name not in classes]
    if unknown:
        raise DataError(f"{what} has the class {unknown[0]!r}, which the training split has not; make them agree")
    return torch.tensor([classes.index(name) for name in arrays.classes])[arrays.targets]


def _snapshot(name: str, *, download: bool) -> Path:
    """The folder of a set of the Hub; nothing is fetched unless ``download``."""
    import huggingface_hub

    ask = download and not downloads.offline()
    try:
        return Path(huggingface_hub.snapshot_download(name, repo_type="dataset", local_files_only=not ask))
    except Exception as error:  # the Hub's own tree of exceptions
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if download and not ask:
            raise DownloadError(f"{name} is not in the Hub's cache, and CIFARZOO_OFFLINE is set; unset it") from None
        if download:
            raise DownloadError(f"{name} cannot be fetched from the Hub: {reason}") from None
        raise DataError(f"{name!r} is no folder and not in the Hub's cache; download=True fetches it") from None


def _read(folder: Path, split: str, image: str, label: str, size: int | None, config: str | None) -> Contents:
    """The labels of a split."""
    table = parquet.read_any(folder, split, config, image)
    if label not in table.labels:
        raise DataError(f"{folder} has no column {label!r} of labels; it has: {', '.join(table.labels) or 'none'}")
    targets = table.labels[label]
    if not len(targets) or not 0 <= targets.min() <= targets.max() < _MAX_CLASSES:
        raise DataError(f"{folder} has no images in split {split!r}, or labels outside 0 ... {_MAX_CLASSES - 1}")
    names = table.label_names.get(label) or tuple(str(number) for number in range(int(targets.max()) + 1))
    height, width = (size, size) if size else picture.size_of(table.picture(0))
    decode = picture.resize_into if size else partial(picture.decode_into, formats=picture.ANY_FORMATS)
    return Contents(
        pixels=parquet_pixels(table, decode),
        targets=targets,
        classes=names,
        class_names=names,
        size_px=(height, width),
    )
