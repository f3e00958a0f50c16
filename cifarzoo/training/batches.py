"""The training batches that a recipe asks for."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from cifarzoo import augment
from cifarzoo.augment import Pipeline
from cifarzoo.augment.boxes import RandomResizedCrop
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.recipes import Recipe
from cifarzoo.training.evaluation import as_model_expects
from cifarzoo.training.ranks import Ranks

_MIXING = {"mixup": MixUp, "cutmix": CutMix}


def create_loader(
    model: nn.Module, recipe: Recipe, train: ImageSet, *, device: torch.device, ranks: Ranks | None = None
) -> Loader:
    """Batches of the recipe's size and augmentation, normalised and in the memory order that the model expects.

    Args:
        model: decides on mean and std.
        recipe: of the run.
        train: the training set.
        device: where the batches are to be.
        ranks: the processes that share each batch; None for this one alone.

    Raises:
        SettingError, RecipeError: there is no such preset, or the batch cannot be shared out evenly.
    """
    ranks = ranks or Ranks()
    return Loader(
        as_model_expects(model, train),
        ranks.share_of(recipe),
        augment=create_pipeline(recipe, train.images.shape[-1]),
        seed=recipe.seed,
        device=device,
        memory_format=memory_format(recipe),
        rank=ranks.rank,
        world_size=ranks.world_size,
    )


def memory_format(recipe: Recipe) -> torch.memory_format:
    """The memory order of images and convolution weights."""
    return torch.channels_last if recipe.channels_last else torch.contiguous_format


def create_pipeline(recipe: Recipe, size: int) -> Pipeline:
    """The recipe's preset for pictures of ``size`` x ``size`` px, with its mixing.

    Where a run has smaller pictures to its end, a resized crop goes to their size at once instead of twice.
    """
    pipeline = augment.create(recipe.augment, size)
    if recipe.sizes and recipe.sizes[0][0] == 1 and recipe.shrink == "resize":
        side = recipe.sizes[0][1]
        ops = [replace(op, size_px=side) if isinstance(op, RandomResizedCrop) else op for op in pipeline.ops]
        pipeline = replace(pipeline, ops=tuple(ops))
    if recipe.mix == "none":
        return pipeline
    return replace(pipeline, mixing=(_MIXING[recipe.mix](alpha=recipe.mix_alpha, prob=recipe.mix_prob),))
