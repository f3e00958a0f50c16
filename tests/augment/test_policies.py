"""TrivialAugment and RandAugment: torchvision's with its draws, and drawn evenly."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from scipy import stats

from cifarzoo import augment
from cifarzoo.augment.functional import OPERATIONS
from cifarzoo.augment.policies import magnitudes, narrow_magnitudes, run_in_turn, with_sign
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MANY = Draws(seed=5, epoch=3, indices=torch.arange(60_000))
LEVEL = 1e-4  # of the tests on distributions; the draws are fixed
IMAGES = torch.zeros(1, 3, 32, 48, dtype=torch.uint8)


def recorded(policy: torch.nn.Module, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What torchvision's policy makes of each image, and the operations and magnitudes that it drew."""
    drawn, apply = [], policy._apply_image_or_video_transform

    def record(image: torch.Tensor, name: str, magnitude: float, **rest: object) -> torch.Tensor:
        drawn[-1].append((OPERATIONS.index(name), magnitude))
        return apply(image, name, magnitude, **rest)

    policy._apply_image_or_video_transform = record
    results = [drawn.append([]) or policy(image) for image in batch]
    table = torch.tensor(drawn, dtype=torch.float64)  # (B, N, 2)
    return torch.stack(results), table[..., 0].long(), table[..., 1]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("policy", [transforms.TrivialAugmentWide, transforms.RandAugment])
@pytest.mark.parametrize("size", [(32, 32), (64, 64), (32, 48)])
def test_a_whole_policy_with_the_draws_of_torchvision(policy, interpolation: str, size: tuple[int, int]) -> None:
    batch = pictures(7, 120, height=size[0], width=size[1])
    torch.manual_seed(2)
    theirs, which, magnitude = recorded(policy(interpolation=interpolation), batch)
    same(run_in_turn(batch, which, magnitude, interpolation=interpolation), theirs)


def legal(policy: torch.nn.Module, bins: int, height: int, width: int) -> dict[str, torch.Tensor]:
    """The magnitudes of torchvision's policy."""
    space = policy._AUGMENTATION_SPACE
    found = {name: make(bins, height, width) for name, (make, _) in space.items()}
    return {name: torch.zeros(bins).double() if values is None else values.double() for name, values in found.items()}


def test_magnitudes_are_those_of_torchvision() -> None:
    wide = magnitudes(31, shear=0.99, translate_px=(32.0, 32.0), rotate_deg=135.0, enhance=0.99, bits=(8, 6))
    for name, values in legal(transforms.TrivialAugmentWide(), 31, 32, 48).items():
        same(wide[OPERATIONS.index(name)], values)
    for bins in (10, 31):
        narrow = narrow_magnitudes(bins, 32, 48)
        for name, values in legal(transforms.RandAugment(), bins, 32, 48).items():
            same(narrow[OPERATIONS.index(name)], values)


def test_signs_turn_what_has_two_directions() -> None:
    space = transforms.AutoAugment._AUGMENTATION_SPACE
    which = torch.arange(len(OPERATIONS))
    turned = with_sign(which, torch.ones(len(which)), torch.ones(len(which), dtype=torch.bool)) < 0
    for name, (_, signed) in space.items():
        assert bool(turned[OPERATIONS.index(name)]) is signed, name


def test_trivial_augment_draws_all_alike() -> None:
    drawn = augment.TrivialAugment().draw(MANY, IMAGES)
    which, magnitude = drawn["which"][:, 0], drawn["magnitude"][:, 0]
    counts = torch.bincount(which, minlength=len(OPERATIONS))
    assert counts[OPERATIONS.index("Invert")] == 0
    assert stats.chisquare(counts[:-1]).pvalue > LEVEL
    steps = (magnitude[which == OPERATIONS.index("Rotate")] / 4.5).round().long()
    expected = torch.full((61,), 0.5, dtype=torch.float64)
    expected[30] = 1.0  # both signs of no rotation
    assert (
        stats.chisquare(torch.bincount(steps + 30, minlength=61), expected / expected.sum() * len(steps)).pvalue > LEVEL
    )


def test_randaugment_draws_with_replacement() -> None:
    drawn = augment.RandAugment(num_ops=2, magnitude=9).draw(MANY, IMAGES)
    pairs = torch.bincount(drawn["which"][:, 0] * 14 + drawn["which"][:, 1], minlength=196)
    assert stats.chisquare(pairs).pvalue > LEVEL
    turned = drawn["magnitude"][drawn["which"] == OPERATIONS.index("Rotate")]
    assert turned.abs().unique().tolist() == [pytest.approx(9.0)]
    assert stats.binomtest(int((turned > 0).sum()), len(turned)).pvalue > LEVEL
    assert augment.RandAugment(num_ops=0).draw(MANY, IMAGES)["which"].shape == (60_000, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.TrivialAugment(bins=1),
        lambda: augment.TrivialAugment(interpolation="cubic"),
        lambda: augment.RandAugment(num_ops=-1),
        lambda: augment.RandAugment(magnitude=31),
        lambda: augment.RandAugment(bins=0),
        lambda: augment.RandAugment(interpolation="area"),
    ],
)
def test_bad_strengths_fail_when_made(make) -> None:
    with pytest.raises(SettingError):
        make()
