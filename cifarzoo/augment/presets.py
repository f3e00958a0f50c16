"""Named pipelines: data, to be printed and read."""

from __future__ import annotations

from difflib import get_close_matches

from cifarzoo.augment.color import ColorJitter
from cifarzoo.augment.geometric import RandomCrop, RandomFlip
from cifarzoo.augment.pipeline import Pipeline
from cifarzoo.errors import SettingError


def _presets(size: int) -> dict[str, Pipeline]:
    """Every preset for images of ``size`` x ``size`` px."""
    flip, crop = RandomFlip(prob=0.5), RandomCrop(padding_px=size // 8)
    return {
        "none": Pipeline(),
        "baseline": Pipeline((flip, crop)),
        "colorjitter": Pipeline((flip, crop, ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05))),
    }


def list_presets() -> list[str]:
    """The names that ``create`` knows."""
    return list(_presets(32))


def create(name: str, size: int) -> Pipeline:
    """A preset by name.

    Args:
        name: one of ``list_presets()``.
        size: side of the images in px; distances scale with it.

    Raises:
        SettingError: there is no such preset, or the size is not positive.
    """
    if size < 1:
        raise SettingError(f"size (={size}) must be the side of the images in px; choose at least 1")
    presets = _presets(size)
    if name not in presets:
        nearest = get_close_matches(name, presets, n=3, cutoff=0.0)
        raise SettingError(f"no augmentation preset is named {name!r}; nearest: {', '.join(nearest)}")
    return presets[name]
