"""The draws of ColorJitter."""

from __future__ import annotations

import pytest
import torch
from augment_pictures import pictures, same
from scipy import stats

from cifarzoo import augment
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MANY = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
LEVEL = 1e-4  # of the tests on distributions; the draws are fixed
IMAGES = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)


def test_factors_and_orders() -> None:
    drawn = augment.ColorJitter(brightness=0.4, contrast=1.5, saturation=0.2, hue=0.1).draw(MANY, IMAGES)
    limits = ((0.6, 1.4), (0.0, 2.5), (0.8, 1.2), (-0.1, 0.1))
    for values, (low, high) in zip(drawn["factors"].unbind(1), limits, strict=True):
        assert stats.kstest(values.numpy(), stats.uniform(low, high - low).cdf).pvalue > LEVEL
    code = (drawn["order"] * torch.tensor([64, 16, 4, 1])).sum(1)
    _, counts = code.unique(return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > LEVEL


def test_a_strength_of_zero_leaves_its_step_out() -> None:
    drawn = augment.ColorJitter(contrast=0.2, hue=0.1).draw(MANY, IMAGES)
    assert drawn["order"].shape == (20_000, 2)
    assert drawn["order"].unique().tolist() == [1, 3]
    batch, nothing = pictures(1, 9), augment.ColorJitter()
    same(nothing.apply(batch, nothing.draw(MANY[:9], batch)), batch)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_bad_strengths_fail_when_made(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        augment.ColorJitter(**{name: -0.1})
    with pytest.raises(SettingError, match="hue"):
        augment.ColorJitter(hue=0.6)
