"""The plain port is the method that it says: its parts obey their laws, and it learns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from cifarzoo.bench.airbench94 import Batches, Muon, Net, orthogonalized, run
from cifarzoo.data import ArrayDataset


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def colours(count: int) -> ArrayDataset:
    """Ten classes, each of a hue of its own under noise."""
    targets = torch.arange(count) % 10
    base = torch.randint(60, 190, (10, 3, 1, 1))
    noise = torch.randint(-50, 50, (count, 3, 32, 32))
    return ArrayDataset((base[targets] + noise).to(torch.uint8), targets, tuple("abcdefghij"))


def test_the_network_has_the_published_size() -> None:
    model = Net()
    scales = [norm.weight for norm in model.modules() if isinstance(norm, nn.BatchNorm2d)]  # stay 1: not counted
    assert sum(weight.numel() for weight in model.parameters()) - sum(map(len, scales)) == 1_971_640
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert model.head.weight.std().item() == pytest.approx(1, abs=1e-5)


def test_the_stem_whitens() -> None:
    model, images = Net(), colours(50).images.float().div(255)
    model.initialize(images)
    with torch.no_grad():
        found = nn.functional.conv2d(images - images.mean(), model.whiten.weight)  # (B, 24, 31, 31)
    assert torch.allclose(found[:, :12], -found[:, 12:], atol=1e-5)
    rows = found[:, :12].transpose(0, 1).flatten(1)  # (12, B positions)
    covariance = rows.cov()
    assert torch.allclose(covariance - covariance.diag().diag(), torch.zeros(12, 12), atol=0.05)
    assert 0.5 < covariance.diag().max() <= 1.1


@pytest.mark.parametrize("shape", [(8, 27), (27, 8), (64, 576)])
def test_a_matrix_becomes_nearly_orthogonal(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape)
    found = orthogonalized(matrix)
    values = torch.linalg.svdvals(found)
    assert found.shape == shape
    assert 0.2 < values.min() <= values.max() < 1.4
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    assert nn.functional.cosine_similarity(found.flatten(), (left @ right).flatten(), dim=0) > 0.9


def test_a_step_keeps_filters_at_their_norm() -> None:
    weight = nn.Parameter(torch.randn(16, 4, 3, 3))
    muon = Muon([weight], torch.float32)
    muon.step(0.1)  # without a gradient nothing moves
    before = weight.detach().clone()
    weight.grad = torch.randn_like(weight)
    muon.step(0.0)
    assert weight.norm().item() == pytest.approx(4, rel=1e-5)
    assert torch.allclose(weight / weight.norm(), before / before.norm())


def test_epochs_are_mirror_images_in_turn_and_hold_every_image() -> None:
    batches = Batches(colours(40), 20)
    assert len(batches) == 2
    targets = [torch.cat([wanted for _, wanted in batches.epoch(number)]) for number in range(2)]
    assert all(found.bincount().tolist() == [4] * 10 for found in targets)
    images, _ = batches.epoch(0)[0]
    assert images.shape == (20, 3, 32, 32)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_it_learns() -> None:
    dataset = colours(60)
    model, seconds = run(dataset, epochs=3, batch_size=20, precision="fp32")
    assert len(seconds) == 3 and min(seconds) > 0
    with torch.inference_mode():
        right = (model(Batches(dataset, 20).images).argmax(1) == dataset.targets).double().mean()
    assert right > 0.5
