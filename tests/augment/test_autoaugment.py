"""AutoAugment and AugMix: torchvision's with its draws, and drawn as the papers say."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from scipy import stats
from torchvision.transforms.v2 import AutoAugmentPolicy

from cifarzoo import augment
from cifarzoo.augment.autoaugment import CIFAR10_POLICY
from cifarzoo.augment.functional import OPERATIONS
from cifarzoo.augment.policies import magnitudes, run_in_turn
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MANY = Draws(seed=5, epoch=3, indices=torch.arange(60_000))
LEVEL = 1e-4  # of the tests on distributions; the draws are fixed
IMAGES = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)


def test_the_policy_is_that_of_torchvision() -> None:
    theirs = transforms.AutoAugment(AutoAugmentPolicy.CIFAR10)._policies
    ours = [tuple((name, prob, place) for name, prob, place in pair) for pair in CIFAR10_POLICY]
    assert ours == [tuple((name, prob, place or 0) for name, prob, place in pair) for pair in theirs]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_whole_autoaugment_with_the_draws_of_torchvision(interpolation: str) -> None:
    batch, rows = pictures(7, 120), []
    theirs = transforms.AutoAugment(AutoAugmentPolicy.CIFAR10, interpolation=interpolation)
    apply = theirs._apply_image_or_video_transform

    def record(image: torch.Tensor, name: str, magnitude: float, **rest: object) -> torch.Tensor:
        rows[-1].append((OPERATIONS.index(name), magnitude))
        return apply(image, name, magnitude, **rest)

    theirs._apply_image_or_video_transform = record
    torch.manual_seed(3)
    wanted = torch.stack([rows.append([]) or theirs(image) for image in batch])
    table = torch.tensor([row + [(0, 0.0)] * (2 - len(row)) for row in rows], dtype=torch.float64)
    same(run_in_turn(batch, table[..., 0].long(), table[..., 1], interpolation=interpolation), wanted)


def test_autoaugment_draws() -> None:
    which = augment.AutoAugment().draw(MANY, IMAGES)["which"]
    expected = torch.zeros(15)
    for pair in CIFAR10_POLICY:
        for name, prob, _ in pair:
            expected[OPERATIONS.index(name)] += prob / len(CIFAR10_POLICY)
    counts = torch.stack([(which == kind).any(1).sum() for kind in range(15)])
    for name in ("Rotate", "Solarize", "Posterize", "Brightness"):  # those that no pair names twice
        kind = OPERATIONS.index(name)
        assert stats.binomtest(int(counts[kind]), len(which), float(expected[kind])).pvalue > LEVEL
    assert counts[OPERATIONS.index("ShearX")] == 0


def test_a_whole_augmix_with_the_draws_of_torchvision() -> None:
    batch = pictures(9, 24)
    theirs = transforms.AugMix(severity=5)
    apply, sample = theirs._apply_image_or_video_transform, theirs._sample_dirichlet
    chains, starts, shares = [], [], []

    def record(image: torch.Tensor, name: str, magnitude: float, **rest: object) -> torch.Tensor:
        if not chains[-1]:
            starts.append(image)
        if image is starts[-1]:  # every chain starts from the image itself
            chains[-1].append([])
        chains[-1][-1].append((OPERATIONS.index(name), magnitude))
        return apply(image, name, magnitude, **rest)

    def keep(parameters: torch.Tensor) -> torch.Tensor:
        shares[-1].append(sample(parameters))
        return shares[-1][-1]

    theirs._apply_image_or_video_transform, theirs._sample_dirichlet = record, keep
    torch.manual_seed(4)
    wanted = [chains.append([]) or shares.append([]) or theirs(image) for image in batch]
    table = torch.tensor(
        [[chain + [(0, 0.0)] * (3 - len(chain)) for chain in row] for row in chains], dtype=torch.float64
    )
    blend, parts = (torch.cat([row[place] for row in shares]) for place in (0, 1))
    parameters = {
        "which": table[..., 0].long(),
        "magnitude": table[..., 1],
        "shares": torch.cat([blend[:, :1], parts * blend[:, 1:]], dim=1),
    }
    same(augment.AugMix(severity=5).apply(batch, parameters), torch.stack(wanted))


def test_augmix_draws() -> None:
    drawn = augment.AugMix().draw(MANY[:20_000], IMAGES)
    assert drawn["which"].shape == (20_000, 3, 3)
    depth = (drawn["which"] > 0).sum(2)
    assert stats.chisquare(torch.bincount(depth.flatten(), minlength=4)[1:]).pvalue > LEVEL
    torch.testing.assert_close(drawn["shares"].sum(1), torch.ones(20_000, dtype=torch.float64))
    assert stats.kstest(drawn["shares"][:, 0].numpy(), "uniform").pvalue > LEVEL
    first = drawn["which"][:, 0, 0]
    assert stats.chisquare(torch.bincount(first, minlength=15)[1:14]).pvalue > LEVEL
    assert (augment.AugMix(depth=2).draw(MANY[:99], IMAGES)["which"] > 0).all()


def test_augmix_magnitudes_are_those_of_torchvision() -> None:
    ours = magnitudes(10, shear=0.3, translate_px=(48 / 3, 32 / 3), rotate_deg=30.0, enhance=0.9, bits=(4, 4))
    for name, (make, _) in transforms.AugMix._AUGMENTATION_SPACE.items():
        values = make(10, 32, 48)
        same(ours[OPERATIONS.index(name)], torch.zeros(10).double() if values is None else values.double())


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.AutoAugment(interpolation="cubic"),
        lambda: augment.AugMix(severity=0),
        lambda: augment.AugMix(severity=11),
        lambda: augment.AugMix(width=0),
        lambda: augment.AugMix(depth=-1),
        lambda: augment.AugMix(alpha=0.0),
        lambda: augment.AugMix(interpolation="cubic"),
    ],
)
def test_bad_strengths_fail_when_made(make) -> None:
    with pytest.raises(SettingError):
        make()
