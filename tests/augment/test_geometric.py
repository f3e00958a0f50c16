"""Draws of the operations that move pixels: their limits, their distribution, and their laws over epochs."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from scipy import stats

from cifarzoo import augment
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MANY = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
LEVEL = 1e-4  # of the tests on distributions; the draws are fixed


def images(count: int = 1, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.zeros(count, 3, height, width, dtype=torch.uint8)


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_flip_probability(prob: float) -> None:
    mask = augment.RandomFlip(prob=prob).draw(MANY, images())["mask"]
    if prob in (0.0, 1.0):
        assert mask.eq(bool(prob)).all()
    else:
        assert stats.binomtest(int(mask.sum()), len(mask), prob).pvalue > LEVEL


def test_alternating_flip() -> None:
    def mask(epoch: int) -> torch.Tensor:
        return augment.AlternatingFlip().draw(Draws(1, epoch, torch.arange(20_000)), images())["mask"]

    first = mask(0)
    assert stats.binomtest(int(first.sum()), len(first), 0.5).pvalue > LEVEL
    same(mask(1), ~first)
    same(mask(2), first)
    same(mask(7), ~first)


@pytest.mark.parametrize("name", ["crop", "translate"])
def test_every_place_is_as_likely(name: str) -> None:
    if name == "crop":
        places = augment.RandomCrop(padding_px=4).draw(MANY, images())["corner_px"]
    else:
        places = augment.RandomTranslate(max_px=4).draw(MANY, images())["shift_px"] + 4
    counts = torch.bincount(places[:, 0] * 9 + places[:, 1], minlength=81)
    assert len(counts) == 81
    assert stats.chisquare(counts).pvalue > LEVEL


def test_crop_to_a_size_of_its_own() -> None:
    crop = augment.RandomCrop(padding_px=1, size_px=24)
    corners = crop.draw(MANY, images(height=32, width=40))["corner_px"]
    assert corners.amin(0).tolist() == [0, 0]
    assert corners.amax(0).tolist() == [10, 18]
    cropped = crop.apply(pictures(1, 4, height=32, width=40), {"corner_px": corners[:4]})
    assert cropped.shape == (4, 3, 24, 24)
    with pytest.raises(SettingError, match="size_px"):
        crop.draw(MANY, images(height=21))


def test_affine_draws() -> None:
    affine = augment.RandomAffine(angle_deg=15.0, translate_frac=(0.1, 0.25), scale=(0.8, 1.3), shear_deg=(10.0, 5.0))
    drawn = affine.draw(MANY, images(height=32, width=64))
    uniform = stats.uniform
    for values, low, high in (
        (drawn["angle_deg"], -15.0, 15.0),
        (drawn["scale"], 0.8, 1.3),
        (drawn["shear_deg"][:, 0], -10.0, 10.0),
        (drawn["shear_deg"][:, 1], -5.0, 5.0),
    ):
        assert stats.kstest(values.numpy(), uniform(low, high - low).cdf).pvalue > LEVEL
    across, down = drawn["translate_px"].unbind(1)
    for values, reach in ((across, 6.4), (down, 8.0)):
        edges = torch.arange(-round(reach), round(reach) + 1).double()
        chance = ((edges + 0.5).clamp(max=reach) - (edges - 0.5).clamp(min=-reach)) / (2 * reach)
        counts = torch.bincount((values + round(reach)).long(), minlength=len(edges)).double()
        assert stats.chisquare(counts, chance * len(values)).pvalue > LEVEL


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_whole_random_affine_with_the_draws_of_torchvision(interpolation: str) -> None:
    batch = pictures(3, 40)
    theirs = transforms.RandomAffine(20, (0.2, 0.1), (0.7, 1.4), (-8, 8, -6, 6), interpolation=interpolation)
    torch.manual_seed(1)
    drawn = [theirs.make_params([image]) for image in batch]
    ours = augment.RandomAffine(interpolation=interpolation)
    parameters = {
        "angle_deg": torch.tensor([row["angle"] for row in drawn], dtype=torch.float64),
        "translate_px": torch.tensor([row["translate"] for row in drawn], dtype=torch.float64),
        "scale": torch.tensor([row["scale"] for row in drawn], dtype=torch.float64),
        "shear_deg": torch.tensor([row["shear"] for row in drawn], dtype=torch.float64),
    }
    torch.manual_seed(1)
    same(ours.apply(batch, parameters), torch.stack([theirs(image) for image in batch]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.RandomFlip(prob=1.1),
        lambda: augment.RandomFlip(prob=-0.1),
        lambda: augment.RandomCrop(padding_px=-1),
        lambda: augment.RandomCrop(padding_px=1.5),
        lambda: augment.RandomCrop(padding_px=4, mode="mirror"),
        lambda: augment.RandomCrop(padding_px=4, size_px=0),
        lambda: augment.RandomTranslate(max_px=-2),
        lambda: augment.RandomAffine(angle_deg=-1.0),
        lambda: augment.RandomAffine(translate_frac=(0.1, 1.1)),
        lambda: augment.RandomAffine(scale=(0.0, 1.0)),
        lambda: augment.RandomAffine(scale=(1.2, 1.0)),
        lambda: augment.RandomAffine(shear_deg=(90.0, 0.0)),
        lambda: augment.RandomAffine(interpolation="cubic"),
        lambda: augment.RandomAffine(fill_frac=2.0),
    ],
)
def test_bad_strengths_fail_when_made(make) -> None:
    with pytest.raises(SettingError):
        make()
