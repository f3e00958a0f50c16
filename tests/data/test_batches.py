"""A plan's parts may be done in any order and by any thread: the batch is the same."""

import random
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from cifarzoo.data import batches
from cifarzoo.data.batches import BatchMaker
from cifarzoo.draws import Draws


class Noise:
    """Adds random numbers to each image, and mixes the batch if asked to."""

    def __init__(self, mixes):
        self.mixes = mixes

    def __call__(self, images, *, draws=None):
        return images + draws.integers("noise", 0, 9, images[0].numel()).view(images.shape).to(torch.uint8)

    def mix(self, images, targets, *, num_classes, draws=None):
        weights = draws.uniform("weights").float()  # (B, 1)
        return images.flip(0), weights.expand(-1, num_classes)


@pytest.fixture
def dataset():
    images = torch.randint(256, (40, 3, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return SimpleNamespace(images=images, targets=torch.arange(40), classes="ab", mean=(0.4,) * 3, std=(0.2,) * 3)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    for name in ("_PART_BYTES", "_AUGMENTED_BYTES"):
        monkeypatch.setattr(batches, name, 300)


def maker(dataset, augment=None, dtype=torch.float32, layout=torch.channels_last):
    return BatchMaker(dataset, augment=augment, device=torch.device("cpu"), dtype=dtype, memory_format=layout)


def assert_same(batch, other):
    assert all(torch.equal(mine, others) for mine, others in zip(batch, other, strict=True))


@pytest.mark.parametrize("augment", [None, Noise(False), Noise(True)])
def test_any_order_and_any_thread(dataset, augment):
    indices = torch.randperm(40)[:17]
    plans = [maker(dataset, augment).begin(3, 2, indices) for _ in range(3)]
    assert len(plans[0].parts) > 3
    for part in plans[0].parts:
        part()
    for part in random.Random(0).sample(plans[1].parts, len(plans[1].parts)):
        part()
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda part: part(), plans[2].parts))
    first, *others = [plan.finish() for plan in plans]
    for other in others:
        assert_same(first, other)
    whole = dataset.images[indices]
    if augment:
        whole = augment(whole, draws=Draws(3, 2, indices))
    expected = (whole / 255 - 0.4) / 0.2
    torch.testing.assert_close(first[0], expected.flip(0) if augment and augment.mixes else expected)


def test_one_image(dataset):
    plan = maker(dataset).begin(0, 0, torch.tensor([7]))
    assert len(plan.parts) == 1
    plan.parts[0]()
    images, targets = plan.finish()
    assert images.shape == (1, 3, 6, 5)
    assert targets.tolist() == [7]


def test_mixed_images_have_the_dtype_that_is_asked_for(dataset):
    plan = maker(dataset, Noise(True), torch.bfloat16).begin(0, 0, torch.arange(5))
    for part in plan.parts:
        part()
    images, targets = plan.finish()
    assert (images.dtype, targets.dtype) == (torch.bfloat16, torch.float32)
