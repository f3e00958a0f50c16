"""Named pipelines: data, to be printed and read."""

from __future__ import annotations

from difflib import get_close_matches

from cifarzoo.augment.autoaugment import AugMix, AutoAugment
from cifarzoo.augment.boxes import Cutout, RandomResizedCrop
from cifarzoo.augment.color import ColorJitter
from cifarzoo.augment.geometric import AlternatingFlip, RandomAffine, RandomCrop, RandomFlip, RandomTranslate
from cifarzoo.augment.pipeline import Pipeline
from cifarzoo.augment.policies import RandAugment, TrivialAugment
from cifarzoo.errors import SettingError

_GRAY = 0.5  # about the mean of photographs: what a network sees as nothing


def _presets(size: int) -> dict[str, Pipeline]:
    """Every preset for images of ``size`` x ``size`` px."""
    flip, crop = RandomFlip(prob=0.5), RandomCrop(padding_px=max(1, size // 8))
    alternate, move = AlternatingFlip(), RandomTranslate(max_px=max(1, size // 16), mode="reflect")
    move_far = RandomTranslate(max_px=max(1, size // 8), mode="reflect")
    affine = RandomAffine(
        angle_deg=15.0,
        translate_frac=(0.1, 0.1),
        scale=(0.9, 1.1),
        shear_deg=(10.0, 0.0),
        interpolation="bilinear",
        fill_frac=None,
    )
    return {
        "none": Pipeline(),
        "baseline": Pipeline((flip, crop)),
        "colorjitter": Pipeline((flip, crop, ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05))),
        "strong": Pipeline((flip, affine, ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1))),
        "airbench": Pipeline((alternate, move)),
        "airbench-jitter": Pipeline((alternate, move, ColorJitter(brightness=0.1, contrast=0.13))),
        "airbench-cutout": Pipeline((alternate, move_far, Cutout(size_px=max(1, size // 4), fill_frac=_GRAY))),
        "airbench-trivial": Pipeline((alternate, move, TrivialAugment())),
        "trivial": Pipeline((flip, crop, TrivialAugment())),
        "randaugment": Pipeline((flip, crop, RandAugment(num_ops=2, magnitude=9))),
        "autoaugment": Pipeline((flip, crop, AutoAugment())),
        "augmix": Pipeline((flip, crop, AugMix())),
        "crop-flip-cutout": Pipeline((crop, flip, Cutout(size_px=size // 2, fill_frac=_GRAY))),
        "rrc": Pipeline((RandomResizedCrop(scale=(0.25, 1.0)), flip)),
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
