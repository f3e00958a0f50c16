"""Draws of the operations on boxes: inside the image, and distributed as torchvision's."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cifarzoo import augment
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MANY = Draws(seed=5, epoch=3, indices=torch.arange(20_000))
LEVEL = 1e-4  # of the tests on distributions; the draws are fixed
SIDES = st.integers(1, 96)
RATIOS = st.sampled_from(((3 / 4, 4 / 3), (1.0, 1.0), (5.0, 9.0), (0.1, 0.2)))


def images(height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.zeros(1, 3, height, width, dtype=torch.uint8)


@given(SIDES, SIDES, RATIOS, st.integers(0, 99))
def test_resized_crop_boxes_are_inside(height: int, width: int, ratio: tuple[float, float], seed: int) -> None:
    crop = augment.RandomResizedCrop(scale=(0.05, 1.0), ratio=ratio)
    boxes = crop.draw(Draws(seed, 0, torch.arange(200)), images(height, width))["boxes"]
    top, left, tall, wide = boxes.unbind(1)
    assert (top >= 0).all() and (left >= 0).all()
    assert (tall >= 1).all() and (top + tall <= height).all()
    assert (wide >= 1).all() and (left + wide <= width).all()


def test_resized_crop_is_distributed_as_in_torchvision() -> None:
    theirs = transforms.RandomResizedCrop(32)
    torch.manual_seed(3)
    drawn = [theirs.make_params([images(48, 40)]) for _ in range(3000)]
    wanted = torch.tensor([[row["top"], row["left"], row["height"], row["width"]] for row in drawn])
    boxes = augment.RandomResizedCrop().draw(MANY, images(48, 40))["boxes"]
    for ours, reference in zip(boxes.unbind(1), wanted.unbind(1), strict=True):
        assert stats.ks_2samp(ours.numpy(), reference.numpy()).pvalue > LEVEL


def test_where_no_crop_fits_the_largest_of_a_legal_shape_is_taken() -> None:
    theirs = transforms.RandomResizedCrop(32, ratio=(5.0, 9.0), scale=(0.9, 1.0))
    wanted = theirs.make_params([images(30, 40)])
    boxes = augment.RandomResizedCrop(ratio=(5.0, 9.0), scale=(0.9, 1.0)).draw(MANY[:50], images(30, 40))["boxes"]
    assert boxes.unique(dim=0).tolist() == [[wanted["top"], wanted["left"], wanted["height"], wanted["width"]]]


def test_a_whole_resized_crop_with_the_draws_of_torchvision() -> None:
    batch, theirs = pictures(1, 30), transforms.RandomResizedCrop(32)
    torch.manual_seed(1)
    drawn = [theirs.make_params([image]) for image in batch]
    boxes = torch.tensor([[row["top"], row["left"], row["height"], row["width"]] for row in drawn])
    torch.manual_seed(1)
    wanted = torch.stack([theirs(image) for image in batch])
    same(augment.RandomResizedCrop().apply(batch, {"boxes": boxes}), wanted)
    assert augment.RandomResizedCrop(size_px=20).apply(batch, {"boxes": boxes}).shape == (30, 3, 20, 20)


def test_resize() -> None:
    batch = pictures(1, 5)
    resize = augment.Resize(size_px=24)
    same(resize.apply(batch, resize.draw(MANY[:5], batch)), augment.functional.resize(batch, (24, 24)))


def test_cutout_is_a_square_around_any_pixel() -> None:
    boxes = augment.Cutout(size_px=9).draw(MANY, images())["boxes"]
    top, left, bottom, right = boxes.unbind(1)
    for first, last in ((top, bottom), (left, right)):
        assert first.min() == 0 and last.max() == 32 and (last - first).max() == 9
        whole = (first > 0) & (last < 32)
        assert ((last - first)[whole] == 9).all()
        centers = torch.bincount(torch.where(first > 0, first + 4, last - 5), minlength=32)
        assert stats.chisquare(centers).pvalue > LEVEL


def test_erasing_is_distributed_as_in_torchvision() -> None:
    theirs = transforms.RandomErasing(p=1.0)
    torch.manual_seed(3)
    drawn = [theirs.make_params([images(48, 40)]) for _ in range(3000)]
    wanted = torch.tensor([[row["i"], row["j"], row["h"], row["w"]] for row in drawn if row["v"] is not None])
    top, left, bottom, right = augment.RandomErasing(prob=1.0).draw(MANY, images(48, 40))["boxes"].unbind(1)
    erased = bottom > top
    ours = torch.stack((top, left, bottom - top, right - left))[:, erased]
    for values, reference in zip(ours, wanted.unbind(1), strict=True):
        assert stats.ks_2samp(values.numpy(), reference.numpy()).pvalue > LEVEL


def test_erasing_probability() -> None:
    boxes = augment.RandomErasing(prob=0.3).draw(MANY, images())["boxes"]
    erased = int((boxes[:, 2] > boxes[:, 0]).sum())
    assert stats.binomtest(erased, len(boxes), 0.3).pvalue > LEVEL


def test_the_fill_is_a_part_of_the_full_scale() -> None:
    batch, box = pictures(1, 1), {"boxes": torch.tensor([[2, 3, 8, 9]])}
    for op in (augment.Cutout(size_px=6, fill_frac=0.4), augment.RandomErasing(fill_frac=0.4)):
        assert op.apply(batch, box)[0, :, 2:8, 3:9].unique().tolist() == [102]
        assert op.apply(batch.float() / 255, box)[0, :, 2:8, 3:9].unique().tolist() == [pytest.approx(0.4)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.Resize(size_px=0),
        lambda: augment.RandomResizedCrop(size_px=-1),
        lambda: augment.RandomResizedCrop(scale=(0.5, 1.5)),
        lambda: augment.RandomResizedCrop(scale=(0.0, 0.5)),
        lambda: augment.RandomResizedCrop(ratio=(2.0, 1.0)),
        lambda: augment.Cutout(size_px=-1),
        lambda: augment.Cutout(size_px=4, fill_frac=128.0),
        lambda: augment.RandomErasing(prob=2.0),
        lambda: augment.RandomErasing(scale=(0.4, 0.2)),
        lambda: augment.RandomErasing(ratio=(-1.0, 1.0)),
        lambda: augment.RandomErasing(fill_frac=-0.5),
    ],
)
def test_bad_strengths_fail_when_made(make) -> None:
    with pytest.raises(SettingError):
        make()
