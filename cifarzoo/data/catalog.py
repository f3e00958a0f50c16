"""The sets by the names that the command line and the recipes use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from cifarzoo.data.cifar import CIFAR10
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.digits import Digits
from cifarzoo.data.tiny_imagenet import TinyImageNet
from cifarzoo.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A set that can be opened by name.

    ``size_px`` and ``num_classes`` are None where the source decides. ``evaluation`` is the split that "test" means.
    """

    open: Callable[[Path | None, str, Path | str | None], Dataset]  # root, split, cache
    size_px: int | None
    num_classes: int | None
    evaluation: str
    needs_root: bool = True


def _root(root: Path | None) -> Path:
    """The root, where the set needs one."""
    if root is None:
        raise SettingError("root is missing: name the folder that holds the data (--root DIR)")
    return root


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "cifar10": Entry(
            open=lambda root, split, cache: CIFAR10(_root(root), split, cache=cache),
            size_px=32,
            num_classes=10,
            evaluation="test",
        ),
        "tiny_imagenet": Entry(
            open=lambda root, split, cache: TinyImageNet(_root(root), split, cache=cache),
            size_px=64,
            num_classes=200,
            evaluation="val",
        ),
        "digits": Entry(
            open=lambda _root, split, _cache: Digits(split),
            size_px=32,
            num_classes=10,
            evaluation="test",
            needs_root=False,
        ),
    }
)


def names() -> list[str]:
    """What ``open`` knows, sorted."""
    return sorted(ENTRIES)


def entry(name: str) -> Entry:
    """The entry of a name; SettingError names the nearest."""
    if name not in ENTRIES:
        nearest = get_close_matches(name, ENTRIES, n=1, cutoff=0.0)[0]
        raise SettingError(f"no data set is named {name!r}; nearest: {nearest}; there are: {', '.join(names())}")
    return ENTRIES[name]


def open(
    name: str, root: Path | str | None = None, split: str = "train", *, cache: Path | str | None = "auto"
) -> Dataset:
    """Open a set by name.

    Args:
        name: one of ``names()``.
        root: the folder that holds it; the digits need none.
        split: "train", or "test" for the split that the set is evaluated on, whatever it calls it.
        cache: the folder for the decoded images, "auto" for the user's, None for none.

    Raises:
        SettingError: an unknown name or split, or a root that is missing.
        DataError: nothing is found, or what is found is damaged or incomplete.
    """
    known = entry(name)
    split = known.evaluation if split == "test" else split
    return known.open(None if root is None else Path(root), split, cache)
