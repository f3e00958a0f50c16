"""The augmentation that a recipe names."""

from __future__ import annotations

from dataclasses import replace

from cifarzoo import augment
from cifarzoo.augment import Pipeline
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.recipes import Recipe

_MIXING = {"mixup": MixUp, "cutmix": CutMix}


def create_pipeline(recipe: Recipe, size: int) -> Pipeline:
    """The recipe's preset for pictures of ``size`` x ``size`` px, with its mixing.

    Raises:
        SettingError: there is no such preset.
    """
    pipeline = augment.create(recipe.augment, size)
    if recipe.mix == "none":
        return pipeline
    return replace(pipeline, mixing=(_MIXING[recipe.mix](alpha=recipe.mix_alpha, prob=recipe.mix_prob),))
