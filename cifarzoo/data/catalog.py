"""The sets by the names that the command line and the recipes use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from cifarzoo.data import specs
from cifarzoo.data.cifar import CIFAR10, CIFAR100
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.digits import Digits
from cifarzoo.data.folder import ImageFolder
from cifarzoo.data.specs import Spec
from cifarzoo.data.tiny_imagenet import TinyImageNet
from cifarzoo.errors import SettingError

_FOLDER_SIZE_PX = 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of a set before it is opened.

    Attributes:
        title: in words.
        size_px: side of its images; None where ``open`` is told.
        num_classes: None where the source decides.
        splits: what ``open`` takes; the last one is what "test" means.
        spec: of an official set.
        needs_root: whether it lies in a folder.
    """

    title: str
    size_px: int | None
    num_classes: int | None
    splits: tuple[str, ...]
    spec: Spec | None = None
    needs_root: bool = True


def _official(spec: Spec) -> Entry:
    """The entry of an official set."""
    return Entry(
        title=spec.title,
        size_px=spec.size_px,
        num_classes=spec.num_classes,
        splits=tuple(spec.per_class),
        spec=spec,
    )


_OFFICIAL = {"cifar10": CIFAR10, "cifar100": CIFAR100, "tiny_imagenet": TinyImageNet}
ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "cifar10": _official(specs.CIFAR10),
        "cifar100": _official(specs.CIFAR100),
        "digits": Entry(
            title="handwritten digits", size_px=32, num_classes=10, splits=("train", "test"), needs_root=False
        ),
        "folder": Entry(title="your own pictures", size_px=None, num_classes=None, splits=("train", "test")),
        "tiny_imagenet": _official(specs.TINY_IMAGENET),
    }
)


def names() -> list[str]:
    """What ``open`` knows, sorted."""
    return sorted(ENTRIES)


def entry(name: str) -> Entry:
    """What is known of a set; SettingError names the nearest."""
    if name not in ENTRIES:
        nearest = get_close_matches(name, ENTRIES, n=1, cutoff=0.0)[0]
        raise SettingError(f"no data set is named {name!r}; nearest: {nearest}; there are: {', '.join(names())}")
    return ENTRIES[name]


def open(
    name: str,
    root: Path | str | None = None,
    split: str = "train",
    *,
    size: int | None = None,
    download: bool = False,
    cache: Path | str | None = "auto",
    on_error: str = "raise",
    partial: bool = False,
) -> Dataset:
    """Open a set by name.

    Args:
        name: one of ``names()``.
        root: the folder that holds it; the digits need none.
        split: "train", or "test" for the split that the set is evaluated on, whatever it calls it.
        size: side of the images of a folder in px (64 by default); the other sets have their own.
        download: fetch an official set where nothing is found.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images than an official set has.

    Raises:
        SettingError: an unknown name or split, or a root that is missing.
        DataError: nothing is found, or what is found is damaged or incomplete.
        DownloadError: it cannot be fetched.
    """
    known = entry(name)
    split = known.splits[-1] if split == "test" else split
    if size is not None and known.size_px not in (None, size):
        raise SettingError(f"size (={size}) does not fit {name}, whose images have {known.size_px} px; leave it out")
    if name == "digits":
        return Digits(split)
    if root is None:
        raise SettingError(f"root is missing: name the folder that holds {known.title} (--root DIR)")
    if name == "folder":
        return ImageFolder(root, split, size or _FOLDER_SIZE_PX, cache=cache, on_error=on_error)
    make = _OFFICIAL[name]
    return make(root, split, download=download, cache=cache, on_error=on_error, partial=partial)
