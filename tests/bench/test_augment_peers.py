"""The peers do the work that they are measured by."""

from __future__ import annotations

import pytest
import torch

from cifarzoo import augment
from cifarzoo.bench import augment_peers
from cifarzoo.data import Dataset
from cifarzoo.errors import SettingError


@pytest.fixture
def dataset() -> Dataset:
    images = torch.randint(0, 256, (13, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    names = tuple("0123456789")
    return Dataset(
        images=images,
        targets=torch.arange(13) % 10,
        classes=names,
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.25, 0.3),
        name="random",
        split="train",
        fingerprint="",
    )


@pytest.mark.parametrize(("name", "reach"), [("baseline", 4), ("airbench", 2), ("trivial", 4), ("strong", 0)])
def test_reach(name: str, reach: int) -> None:
    assert augment_peers.reach_px(augment.create(name, 32)) == reach


@pytest.mark.parametrize("preset", augment_peers.PRESETS)
def test_torchvision(preset: str, dataset: Dataset) -> None:
    arrays = list(dataset.images.permute(0, 2, 3, 1).contiguous().numpy())
    assert augment_peers.torchvision_loader(preset, 2, arrays, dataset, 4, workers=0)() == 12


@pytest.mark.parametrize("preset", augment_peers.PRESETS)
def test_kornia(preset: str, dataset: Dataset) -> None:
    pytest.importorskip("kornia")
    assert augment_peers.kornia_batches(preset, 2, dataset, 4)() == 12


@pytest.mark.parametrize("preset", ["baseline", "airbench"])
@pytest.mark.parametrize("reach", [2, 4])
def test_airbench(preset: str, reach: int, dataset: Dataset) -> None:
    assert augment_peers.airbench_epoch(preset, reach, dataset, 4)() == 12


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_crops_by_masks_are_windows_of_every_place(reach: int) -> None:
    size = 6
    window = torch.arange((size + 2 * reach) ** 2.0).view(1, 1, size + 2 * reach, -1)
    padded = window.expand(600, -1, -1, -1)
    cropped = torch.empty(600, 1, size, size)
    augment_peers._crop_by_masks(padded, cropped, reach)
    corners = cropped[:, 0, 0, 0].long()
    assert len(corners.unique()) > 0.9 * (2 * reach + 1) ** 2
    tops, lefts = corners // (size + 2 * reach), corners % (size + 2 * reach)
    assert torch.equal(cropped, augment.functional.crop(padded, torch.stack((tops, lefts), 1), size=(size, size)))


def test_airbench_has_no_other_preset(dataset: Dataset) -> None:
    with pytest.raises(SettingError, match="preset"):
        augment_peers.airbench_epoch("strong", 2, dataset, 4)
