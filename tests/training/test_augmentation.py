from __future__ import annotations

import pytest
import torch

from cifarzoo import augment
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.augmentation import create_pipeline


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


def test_an_unknown_preset() -> None:
    with pytest.raises(SettingError, match="sparkle"):
        create_pipeline(Recipe(augment="sparkle"), 32)
