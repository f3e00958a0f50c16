"""A pipeline: the same for an image in any batch, on any number of threads, in either form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torchvision.transforms.v2 as transforms
from augment_pictures import pictures, same
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarzoo import augment
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
PRESETS = augment.list_presets()


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), size=st.sampled_from((32, 21, 9)), cut=st.integers(0, 24))
def test_order_and_splits_change_nothing(name: str, seed: int, size: int, cut: int) -> None:
    images, draws = pictures(seed, 24, 3, size, size), Draws(seed, 2, torch.arange(24))
    pipeline = augment.create(name, size)
    whole = pipeline(images, draws=draws)
    parts = [pipeline(images[rows], draws=draws[rows]) for rows in (slice(0, cut), slice(cut, 24))]
    same(torch.cat(parts), whole)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    same(pipeline(images[order], draws=draws[order]), whole[order])
    last = images.contiguous(memory_format=torch.channels_last)
    same(pipeline(last, draws=draws), whole)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", PRESETS)
def test_threads_change_nothing(name: str) -> None:
    images, draws, pipeline = pictures(1, 300, 3, 21, 21), Draws(1, 2, torch.arange(300)), augment.create(name, 21)
    results = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        results.append((pipeline(images, draws=draws), pipeline.finish(images, mean=MEAN, std=STD, draws=draws)))
    for plain, finished in results[1:]:
        same(plain, results[0][0])
        same(finished, results[0][1])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("count", [1, 2])
def test_in_inference_mode(count: int) -> None:
    torch.set_num_threads(count)
    images, draws, pipeline = pictures(1, 30), Draws(1, 2, torch.arange(30)), augment.create("baseline", 32)
    wanted = pipeline(images, draws=draws), pipeline.finish(images, mean=MEAN, std=STD, draws=draws)
    with torch.inference_mode():
        same(pipeline(images.clone(), draws=draws), wanted[0])
        same(pipeline.finish(images.clone(), mean=MEAN, std=STD, draws=draws), wanted[1])


@pytest.mark.parametrize("name", ["none", "baseline", "rrc", "trivial"])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_finish(name: str, memory_format: torch.memory_format, dtype: torch.dtype) -> None:
    images, draws, pipeline = pictures(1, 60), Draws(1, 2, torch.arange(60)), augment.create(name, 32)
    finished = pipeline.finish(images, mean=MEAN, std=STD, dtype=dtype, memory_format=memory_format, draws=draws)
    wanted = augment.functional.normalize(pipeline(images, draws=draws), MEAN, STD)
    assert finished.dtype == dtype and finished.is_contiguous(memory_format=memory_format)
    tolerance = 2e-6 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(finished.float(), wanted, rtol=tolerance, atol=tolerance)


def test_draws_come_from_a_generator_otherwise() -> None:
    images, pipeline = pictures(1, 30), augment.create("trivial", 32)
    first, second = (pipeline(images, generator=torch.Generator().manual_seed(seed)) for seed in (4, 5))
    same(pipeline(images, generator=torch.Generator().manual_seed(4)), first)
    assert not torch.equal(first, second)
    torch.manual_seed(4)
    ambient = pipeline(images)
    assert not torch.equal(pipeline(images), ambient)
    torch.manual_seed(4)
    same(pipeline(images), ambient)


def test_two_operations_of_one_kind_draw_for_themselves() -> None:
    flips = augment.Pipeline((augment.RandomFlip(), augment.RandomFlip()))
    images = pictures(1, 200)
    assert 50 < (flips(images, draws=Draws(1, 0, torch.arange(200))) != images).flatten(1).any(1).sum() < 150


def test_any_callable_on_a_batch_takes_part() -> None:
    images, draws = pictures(1, 20), Draws(1, 0, torch.arange(20))
    pipeline = augment.Pipeline(
        (augment.RandomFlip(), transforms.Grayscale(3), lambda x: x // 2, augment.Cutout(size_px=3))
    )
    flipped = augment.Pipeline((augment.RandomFlip(),))(images, draws=draws)
    halved = transforms.Grayscale(3)(flipped) // 2
    changed = pipeline(images, draws=draws)
    assert ((changed == halved) | (changed == 0)).all()
    assert pipeline.finish(images, mean=MEAN, std=STD, draws=draws).shape == images.shape


def test_the_size_may_change_in_the_middle() -> None:
    images = pictures(1, 300)
    pipeline = augment.Pipeline(
        (augment.Resize(size_px=24), augment.RandomCrop(padding_px=2), augment.Resize(size_px=20))
    )
    draws = Draws(1, 0, torch.arange(300))
    changed = pipeline(images, draws=draws)
    assert changed.shape == (300, 3, 20, 20)
    same(torch.cat([pipeline(images[:7], draws=draws[:7]), pipeline(images[7:], draws=draws[7:])]), changed)
    assert pipeline.finish(images, mean=MEAN, std=STD, draws=draws).shape == (300, 3, 20, 20)


@given(count=st.integers(1, 17), seed=st.integers(0, 99))
def test_mix(count: int, seed: int) -> None:
    images, labels = pictures(seed, count).float(), torch.arange(count) % 4
    both = augment.Pipeline(mixing=(augment.MixUp(alpha=0.5), augment.CutMix(per_image=True, prob=0.5)))
    draws = Draws(seed, 0, torch.arange(count))
    mixed, targets = both.mix(images, labels, num_classes=4, draws=draws)
    assert both.mixes and mixed.shape == images.shape
    assert targets.shape == (count, 4) and targets.dtype == torch.float32
    torch.testing.assert_close(targets.sum(1), torch.ones(count))
    again = both.mix(images, labels, num_classes=4, draws=draws)
    same(again[0], mixed)
    same(again[1], targets)


def test_without_mixing_targets_become_one_hot() -> None:
    pipeline = augment.create("baseline", 32)
    assert not pipeline.mixes
    _, targets = pipeline.mix(torch.zeros(3, 3, 32, 32), torch.tensor([0, 2, 1]), num_classes=3)
    same(targets, torch.eye(3)[[0, 2, 1]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.Pipeline(("flip",)),
        lambda: augment.Pipeline((augment.RandomFlip,)),
        lambda: augment.Pipeline((augment.MixUp(),)),
        lambda: augment.Pipeline(mixing=(augment.RandomFlip(),)),
    ],
)
def test_what_is_no_operation_is_refused(make) -> None:
    with pytest.raises(SettingError, match="hold"):
        make()
