"""Operations with a probability change the images that drew them, as their verb does, and no others."""

from __future__ import annotations

import pytest
import torch
from augment_pictures import pictures, same
from scipy import stats

from cifarzoo import augment
from cifarzoo.augment import functional
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

OPS = {
    "grayscale": (augment.RandomGrayscale(prob=0.3), functional.grayscale),
    "invert": (augment.RandomInvert(prob=0.3), functional.invert),
    "posterize": (
        augment.RandomPosterize(bits=3, prob=0.3),
        lambda x: functional.posterize(x, torch.full((len(x),), 3)),
    ),
    "solarize": (
        augment.RandomSolarize(threshold_frac=0.4, prob=0.3),
        lambda x: functional.solarize(x, torch.full((len(x),), 102.0)),
    ),
    "sharpness": (
        augment.RandomSharpness(factor=1.7, prob=0.3),
        lambda x: functional.adjust_sharpness(x, torch.full((len(x),), 1.7, dtype=torch.float64)),
    ),
    "autocontrast": (augment.RandomAutocontrast(prob=0.3), functional.autocontrast),
    "equalize": (augment.RandomEqualize(prob=0.3), functional.equalize),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_only_the_chosen_change(name: str, memory_format: torch.memory_format) -> None:
    op, verb = OPS[name]
    batch = pictures(2, 50).contiguous(memory_format=memory_format)
    before = batch.clone()
    mask = op.draw(Draws(1, 0, torch.arange(50)), batch)["mask"]
    changed = op.apply(batch, {"mask": mask})
    assert 0 < mask.sum() < 50
    same(changed[mask], verb(batch[mask]))
    same(changed[~mask], batch[~mask])
    same(batch, before)
    assert changed.stride() == batch.stride()


@pytest.mark.parametrize("name", OPS)
def test_probability(name: str) -> None:
    many = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
    mask = OPS[name][0].draw(many, torch.zeros(1, 3, 8, 8))["mask"]
    assert stats.binomtest(int(mask.sum()), len(mask), 0.3).pvalue > 1e-4


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.RandomGrayscale(prob=-0.1),
        lambda: augment.RandomEqualize(prob=1.5),
        lambda: augment.RandomPosterize(bits=9),
        lambda: augment.RandomPosterize(bits=-1),
        lambda: augment.RandomSolarize(threshold_frac=1.5),
        lambda: augment.RandomSharpness(factor=-1.0),
        lambda: augment.RandomSharpness(factor=1.0, prob=7.0),
    ],
)
def test_bad_strengths_fail_when_made(make) -> None:
    with pytest.raises(SettingError):
        make()
