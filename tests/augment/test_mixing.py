"""Draws of mixup and CutMix: partners, shares and boxes, for any batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional as F

from cifarzoo import augment
from cifarzoo.augment.op import MixOp
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MIXES = (augment.MixUp, augment.CutMix)
COUNTS = st.integers(1, 33)


def batch(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, Draws]:
    source = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 16, 12, generator=source)
    targets = F.one_hot(torch.randint(0, 5, (count,), generator=source), 5).float()
    return images, targets, Draws(seed, 1, torch.arange(count))


@pytest.mark.parametrize("make", MIXES)
@given(count=COUNTS, seed=st.integers(0, 99), per_image=st.booleans(), partner=st.sampled_from(("shuffle", "roll")))
def test_laws(make: type[MixOp], count: int, seed: int, per_image: bool, partner: str) -> None:
    images, targets, draws = batch(count, seed)
    op = make(alpha=0.8, per_image=per_image, partner=partner)
    drawn = op.draw(draws, images)
    assert drawn["partner"].sort().values.tolist() == list(range(count))
    assert count == 1 or (drawn["partner"] != torch.arange(count)).all()
    before = images.clone(), targets.clone()
    mixed, soft = op.apply(images, targets, drawn)
    assert mixed.shape == images.shape and soft.shape == targets.shape
    torch.testing.assert_close(soft.sum(1), torch.ones(count))
    assert torch.equal(images, before[0]) and torch.equal(targets, before[1])
    strength = "share" if make is augment.MixUp else "boxes"
    assert per_image or len(drawn[strength].unique(dim=0)) == 1


@pytest.mark.parametrize("make", MIXES)
@given(count=COUNTS, seed=st.integers(0, 99), per_image=st.booleans())
def test_partners_by_shuffle_do_not_depend_on_the_order(
    make: type[MixOp], count: int, seed: int, per_image: bool
) -> None:
    images, targets, draws = batch(count, seed)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    op = make(per_image=per_image)
    straight = op.apply(images, targets, op.draw(draws, images))
    permuted = op.apply(images[order], targets[order], op.draw(draws[order], images))
    for ours, theirs in zip(permuted, straight, strict=True):
        assert torch.equal(ours, theirs[order])


def test_shares_follow_their_distribution_and_their_probability() -> None:
    many = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
    images = torch.zeros(1, 3, 32, 32)
    share = augment.MixUp(alpha=0.4, prob=0.7, per_image=True).draw(many, images)["share"]
    mixed = share < 1.0
    assert stats.binomtest(int(mixed.sum()), len(mixed), 0.7).pvalue > 1e-4
    assert stats.kstest(share[mixed].numpy(), stats.beta(0.4, 0.4).cdf).pvalue > 1e-4
    boxes = augment.CutMix(prob=0.0, per_image=True).draw(many, images)["boxes"]
    assert (boxes[:, :2] == boxes[:, 2:]).all()


def test_boxes_are_inside_and_of_the_drawn_area() -> None:
    many = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
    op, images = augment.CutMix(per_image=True), torch.zeros(1, 3, 40, 24)
    boxes = op.draw(many, images)["boxes"]
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= torch.tensor([40, 24])).all() and (sides >= 0).all()
    whole = ((boxes[:, :2] > 0) & (boxes[:, 2:] < torch.tensor([40, 24]))).all(1)
    ratio = sides[whole].double() / torch.tensor([40, 24])
    assert (ratio[:, 0] - ratio[:, 1]).abs().max() <= 2 / 24  # the box has the shape of the image
    area = 1 - augment.MixUp(per_image=True).draw(many, images)["share"][whole]  # of the same draws
    lost = area - ratio.prod(1)  # halves are rounded down
    assert lost.min() >= -1e-6 and lost.max() <= 2 / 40 + 2 / 24


@pytest.mark.parametrize("make", MIXES)
@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": -1.0}, {"prob": 1.2}, {"partner": "next"}])
def test_bad_strengths_fail_when_made(make: type[MixOp], wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        make(**wrong)
