"""The augmentation that a recipe names."""

from __future__ import annotations

from dataclasses import replace

from cifarzoo import augment
from cifarzoo.augment import Pipeline
from cifarzoo.augment.boxes import RandomResizedCrop
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.recipes import Recipe

_MIXING = {"mixup": MixUp, "cutmix": CutMix}


def create_pipeline(recipe: Recipe, size: int) -> Pipeline:
    """The recipe's preset for pictures of ``size`` x ``size`` px, with its mixing.

    Where a run has smaller pictures to its end, a resized crop goes to their size at once instead of twice.

    Raises:
        SettingError: there is no such preset.
    """
    pipeline = augment.create(recipe.augment, size)
    if recipe.sizes and recipe.sizes[0][0] == 1 and recipe.shrink == "resize":
        side = recipe.sizes[0][1]
        ops = [replace(op, size_px=side) if isinstance(op, RandomResizedCrop) else op for op in pipeline.ops]
        pipeline = replace(pipeline, ops=tuple(ops))
    if recipe.mix == "none":
        return pipeline
    return replace(pipeline, mixing=(_MIXING[recipe.mix](alpha=recipe.mix_alpha, prob=recipe.mix_prob),))
