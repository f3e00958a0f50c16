"""The base class: fields that fit together, items, pickling."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from data_fakes import tiny_members, write_zip

from cifarzoo.data import ArrayDataset, Dataset, TinyImageNet, subset
from cifarzoo.errors import DataError, SettingError

FIELDS: dict[str, Any] = {
    "images": torch.zeros(4, 3, 2, 2, dtype=torch.uint8),
    "targets": torch.tensor([0, 1, 1, 0]),
    "classes": ("a", "b"),
    "mean": (0.5, 0.5, 0.5),
    "std": (0.2, 0.2, 0.2),
    "name": "some",
    "split": "train",
    "fingerprint": "0" * 16,
}


@pytest.fixture
def tiny(tmp_path: Path) -> TinyImageNet:
    write_zip(tmp_path / "tiny-imagenet-200.zip", tiny_members())
    return TinyImageNet(tmp_path, cache=tmp_path / "cache", partial=True)


def test_items_and_length() -> None:
    dataset = Dataset(**FIELDS)
    assert len(dataset) == 4
    image, target = dataset[2]
    assert (tuple(image.shape), image.dtype, target) == ((3, 2, 2), torch.uint8, 1)
    assert isinstance(target, int)
    with pytest.raises(IndexError):
        dataset[4]
    assert dataset.class_names == dataset.classes
    assert dataset.num_classes == 2
    assert dataset.cache_file is None
    assert "4 images 3x2x2, 2 classes" in repr(dataset)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("images", torch.zeros(4, 3, 2, 2), r"must be \(N, C, H, W\) uint8"),
        ("images", torch.zeros(4, 2, 2, dtype=torch.uint8), r"must be \(N, C, H, W\) uint8"),
        ("targets", torch.tensor([0, 1]), r"targets must be \(4,\) int64"),
        ("targets", torch.zeros(4), r"targets must be \(4,\) int64"),
        ("targets", torch.tensor([0, 1, 2, 0]), r"must lie in 0 ... 1"),
        ("targets", torch.tensor([0, -1, 1, 0]), r"must lie in 0 ... 1"),
        ("classes", ("a", "b", "a"), r"'a' more than once"),
    ],
)
def test_fields_that_do_not_fit(field: str, value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset(**{**FIELDS, field: value})


@pytest.mark.parametrize(("field", "value"), [("mean", (0.5,)), ("std", (0.1, 0.1)), ("std", (0.1, 0.0, 0.1))])
def test_mean_and_std_that_do_not_fit(field: str, value: object) -> None:
    with pytest.raises(SettingError, match="3 numbers each, std above 0"):
        Dataset(**{**FIELDS, field: value})


def test_pickling_a_mapped_set_takes_its_path_along_and_not_its_images(tiny: TinyImageNet) -> None:
    content = pickle.dumps(tiny)
    assert len(content) < 5000 < tiny.images.numel()
    copy = pickle.loads(content)
    assert torch.equal(copy.images, tiny.images)
    assert copy.cache_file == tiny.cache_file
    assert (copy.fingerprint, copy.classes, copy.layout) == (tiny.fingerprint, tiny.classes, tiny.layout)
    assert torch.equal(copy.targets, tiny.targets)


def test_images_that_were_replaced_are_pickled(tiny: TinyImageNet) -> None:
    tiny.images = tiny.images + 1
    assert tiny.cache_file is None
    assert torch.equal(pickle.loads(pickle.dumps(tiny)).images, tiny.images)


def test_pickling_a_set_in_memory() -> None:
    dataset = ArrayDataset(torch.arange(24, dtype=torch.uint8).view(2, 3, 2, 2), [1, 0], ["a", "b"])
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy.images, dataset.images)


def test_a_write_does_not_reach_the_file(tiny: TinyImageNet) -> None:
    assert tiny.cache_file is not None
    before = tiny.cache_file.read_bytes()
    tiny.images[0] = 7
    assert tiny.cache_file.read_bytes() == before


def test_a_part_needs_neither_the_file_nor_the_whole(tiny: TinyImageNet) -> None:
    assert tiny.cache_file is not None
    tiny.cache_file.unlink()
    part = subset(tiny, [0])
    assert torch.equal(part.images, tiny.images[:1])
    assert len(pickle.dumps(part)) < part.images.numel() + 10_000 < tiny.images.numel()
    assert torch.equal(pickle.loads(pickle.dumps(part)).images, part.images)
