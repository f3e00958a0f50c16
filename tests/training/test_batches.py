from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo import augment
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.draws import Draws
from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.batches import create_loader, create_pipeline
from cifarzoo.training.ranks import Ranks


@pytest.mark.parametrize("channels_last", [True, False])
def test_batches_are_what_model_and_recipe_want(
    channels_last: bool, make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    train, recipe = make_set(16), Recipe(batch_size=4, augment="none", channels_last=channels_last, seed=3)
    loader = create_loader(make_net(), recipe, train, device=torch.device("cpu"))
    batches = [images for images, _ in loader]
    assert (len(batches), loader.seed) == (4, 3)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert all(images.shape[0] == 4 and images.is_contiguous(memory_format=layout) for images in batches)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (train.mean, train.std))
    pixels = torch.cat(batches) * std + mean
    torch.testing.assert_close(pixels.sum(), train.images.sum() / 255)


def test_processes_share_each_batch(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    train, recipe, cpu = make_set(16), Recipe(batch_size=8, augment="baseline"), torch.device("cpu")
    whole = create_loader(make_net(), recipe, train, device=cpu)
    parts = [
        create_loader(make_net(), recipe, train, device=cpu, ranks=Ranks(rank=rank, world_size=2)) for rank in (0, 1)
    ]
    for (images, targets), *shares in zip(whole, *parts, strict=True):
        assert torch.equal(torch.cat([part for part, _ in shares]), images)
        assert torch.equal(torch.cat([part for _, part in shares]), targets)
    with pytest.raises(RecipeError, match="multiple of the 3 processes"):
        create_loader(make_net(), recipe, train, device=cpu, ranks=Ranks(rank=0, world_size=3))


def test_the_preset_as_it_is() -> None:
    for name in augment.list_presets():
        assert create_pipeline(Recipe(augment=name), 32) == augment.create(name, 32)


@pytest.mark.parametrize("mix, kind", [("mixup", MixUp), ("cutmix", CutMix)])
def test_mixing_comes_on_top(mix: str, kind: type) -> None:
    pipeline = create_pipeline(Recipe(augment="baseline", mix=mix, mix_alpha=0.4, mix_prob=0.5), 32)
    assert pipeline.ops == augment.create("baseline", 32).ops
    assert pipeline.mixing == (kind(alpha=0.4, prob=0.5),)
    assert pipeline.mixes
    images, targets = pipeline.mix(
        torch.randn(8, 3, 32, 32), torch.arange(8), num_classes=10, draws=Draws(0, 0, torch.arange(8))
    )
    assert images.shape == (8, 3, 32, 32)
    torch.testing.assert_close(targets.sum(1), torch.ones(8))


def test_small_to_the_end_a_crop_is_resized_once() -> None:
    (crop, *others), (small, *same) = (
        create_pipeline(Recipe(augment="rrc", sizes=sizes), 64).ops for sizes in (((0.9, 49),), ((1, 49),))
    )
    assert (crop.size_px, small.size_px) == (None, 49)
    assert (small.scale, small.ratio, same) == (crop.scale, crop.ratio, others)
    assert create_pipeline(Recipe(augment="airbench", sizes=((1, 49),)), 64) == augment.create("airbench", 64)
    assert create_pipeline(Recipe(augment="rrc", sizes=((1, 49),), shrink="window"), 64) == augment.create("rrc", 64)
