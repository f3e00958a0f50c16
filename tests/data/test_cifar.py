"""The classes of CIFAR: real data where there are any, download where it is asked for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from data_fakes import binary10, binary100, write_files, write_tar

from cifarzoo.data import CIFAR10, CIFAR100, cifar_layouts, download, subset
from cifarzoo.data.measure import mean_and_std
from cifarzoo.data.specs import Archive
from cifarzoo.errors import DataError, SettingError

REAL = os.environ.get("CIFARZOO_DATA")


def test_fields(tmp_path: Path) -> None:
    write_files(tmp_path, binary10()[0])
    dataset = CIFAR10(str(tmp_path), "test", cache=tmp_path / "cache", partial=True)
    assert (dataset.name, dataset.split, dataset.layout) == ("cifar10", "test", "cifar-10-batches-bin/")
    assert dataset.classes[3] == "cat"
    assert dataset.cache_file is not None
    assert dataset.cache_file.name.startswith("cifar10-test-")
    assert CIFAR10(tmp_path, "test", cache=None, partial=True).cache_file is None


def test_coarse_targets_stay_with_their_images(tmp_path: Path) -> None:
    write_files(tmp_path, binary100()[0])
    dataset = CIFAR100(tmp_path, "test", cache=None, partial=True)
    part = subset(dataset, [7, 3])
    assert isinstance(part, CIFAR100)
    assert torch.equal(part.coarse_targets, dataset.coarse_targets[[7, 3]])


def test_splits_are_checked(tmp_path: Path) -> None:
    for kind in (CIFAR10, CIFAR100):
        with pytest.raises(SettingError, match="must be one of: train, test"):
            kind(tmp_path, "val")


def test_download_only_when_asked_and_only_when_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[str, Path]] = []

    def fetch(archive: Archive, folder: Path) -> None:
        fetched.append((archive.name, folder))
        write_tar(folder / archive.name, binary10()[0])

    monkeypatch.setattr(download, "fetch", fetch)
    with pytest.raises(DataError, match="download=True fetches it, or `cifarzoo data download cifar10 --root DIR`"):
        CIFAR10(tmp_path, partial=True, cache=None)
    assert not fetched
    for _ in range(2):
        assert len(CIFAR10(tmp_path, partial=True, cache=None, download=True)) == 100
    assert fetched == [("cifar-10-binary.tar.gz", tmp_path)]


def test_the_official_number_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without partial=True, with a spec as small as the fake."""
    write_files(tmp_path, binary10()[0])
    spec = replace(cifar_layouts.CIFAR10.spec, per_class={"train": 10, "test": 2})
    monkeypatch.setattr("cifarzoo.data.specs.CIFAR10", spec)
    assert (len(CIFAR10(tmp_path, cache=None)), len(CIFAR10(tmp_path, "test", cache=None))) == (100, 20)


@pytest.mark.skipif(not REAL, reason="CIFARZOO_DATA does not name the real data")
def test_real_cifar10() -> None:
    assert REAL
    train, test = CIFAR10(REAL, "train"), CIFAR10(REAL, "test")
    assert train.targets.bincount().tolist() == [5000] * 10
    assert test.targets.bincount().tolist() == [1000] * 10
    for measured, stated in zip(mean_and_std(train.images), (train.mean, train.std), strict=True):
        assert [round(value, 4) for value in measured] == [round(value, 4) for value in stated]
