"""The digits: a set without a download."""

from __future__ import annotations

import sys

import pytest
import torch

from cifarzoo.data import Digits
from cifarzoo.data.measure import mean_and_std
from cifarzoo.errors import DataError, SettingError


def test_the_two_parts() -> None:
    train, test = Digits("train"), Digits("test")
    assert len(train) + len(test) == 1797
    assert tuple(train.images.shape[1:]) == (3, 32, 32)
    assert torch.equal(train.images[:, 0], train.images[:, 2])
    assert train.mean == test.mean == mean_and_std(train.images)[0]
    assert train.std == test.std
    assert train.classes == tuple("0123456789")
    share = test.targets.bincount() / (train.targets.bincount() + test.targets.bincount())
    assert ((share - 0.2).abs() < 0.01).all()
    assert train.images.max() > 250
    assert train.fingerprint != test.fingerprint
    assert Digits("test").fingerprint == test.fingerprint


def test_enlarging_keeps_the_digit() -> None:
    """Means over the 4x4 pixels that a small pixel became are near it, so each digit is still its own nearest."""
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    small = torch.from_numpy(sklearn_datasets.load_digits().data).float() * 255 / 16  # (N, 64)
    images = torch.cat([Digits("train").images, Digits("test").images])[:200, 0].float()  # (200, 32, 32)
    pooled = torch.nn.functional.avg_pool2d(images[:, None], 4).flatten(1)  # (200, 64)
    assert (torch.cdist(pooled, small).min(dim=1).values / pooled.norm(dim=1) < 0.35).all()


def test_other_splits_are_refused() -> None:
    with pytest.raises(SettingError, match="must be 'train' or 'test'"):
        Digits("val")


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"pip install 'cifarzoo\[demo\]'"):
        Digits()
