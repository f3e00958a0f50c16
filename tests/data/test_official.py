"""What the official sets have in common: the cache, the counts, what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from data_fakes import pixels

from cifarzoo.data import cache, specs
from cifarzoo.data.contents import Contents, RawPixels
from cifarzoo.data.layouts import Found
from cifarzoo.data.official import OfficialSet
from cifarzoo.errors import DataError

IMAGES = pixels(20, 32)


def make(source: Path, labels: torch.Tensor, **options: object) -> OfficialSet:
    contents = Contents(
        pixels=RawPixels(IMAGES),
        targets=labels.numpy(),
        classes=specs.CIFAR10_CLASSES,
        class_names=specs.CIFAR10_CLASSES,
        size_px=(32, 32),
    )
    found = Found(layout="some", paths=(source,), read=lambda: contents)
    settings = {"cache": None, "on_error": "raise", "partial": True, **options}
    return OfficialSet(specs.CIFAR10, "test", found, **settings)  # type: ignore[arg-type]


def test_fields_come_from_the_spec_and_from_what_was_found(tmp_path: Path) -> None:
    dataset = make(tmp_path, torch.arange(20) % 10)
    assert (dataset.name, dataset.split, dataset.layout, dataset.skipped) == ("cifar10", "test", "some", 0)
    assert (dataset.mean, dataset.std) == (specs.CIFAR10.mean, specs.CIFAR10.std)
    assert torch.equal(dataset.images, torch.from_numpy(IMAGES))


def test_counts_are_checked_before_anything_is_kept(tmp_path: Path) -> None:
    for labels, partial in ((torch.arange(20) % 10, False), (torch.arange(20), True)):
        with pytest.raises(DataError, match=r"has 2 images of class 0|has a label 10"):
            make(tmp_path, labels, cache=tmp_path / "cache", partial=partial)
    assert cache.files(tmp_path / "cache") == []


def test_a_partial_set_in_the_cache_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    labels = torch.arange(20) % 10
    source = tmp_path / "source"
    source.write_bytes(b"")
    make(source, labels, cache=tmp_path / "cache")
    with pytest.raises(DataError, match="pass partial=True"):
        make(source, labels, cache=tmp_path / "cache", partial=False)
