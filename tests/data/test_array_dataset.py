"""Your own arrays as a set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from data_fakes import pixels

from cifarzoo.data import ArrayDataset
from cifarzoo.errors import CifarZooError, DataError

IMAGES = pixels(6, 8)


def test_tensors_are_not_copied() -> None:
    images = torch.from_numpy(IMAGES)
    dataset = ArrayDataset(images, torch.tensor([0, 1, 2, 0, 1, 2]), ["a", "b", "c"])
    assert dataset.images.data_ptr() == images.data_ptr()


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.int64, list])
def test_targets_of_any_whole_numbers(kind: type) -> None:
    labels = [0, 1, 2, 0, 1, 2]
    targets = labels if kind is list else np.array(labels, dtype=kind)
    dataset = ArrayDataset(IMAGES, targets, ["a", "b", "c"])
    assert dataset.targets.dtype == torch.int64
    assert dataset.targets.tolist() == labels


def test_mean_and_std_are_measured_unless_given() -> None:
    dataset = ArrayDataset(IMAGES, [0] * 6, ["a"])
    np.testing.assert_allclose(dataset.mean, IMAGES.mean(axis=(0, 2, 3)) / 255)
    np.testing.assert_allclose(dataset.std, IMAGES.std(axis=(0, 2, 3)) / 255)
    given = ArrayDataset(IMAGES, [0] * 6, ["a"], mean=(0.1, 0.2, 0.3), std=(1, 1, 1), name="mine", split="test")
    assert (given.mean, given.std, given.name, given.split) == ((0.1, 0.2, 0.3), (1, 1, 1), "mine", "test")


def test_read_only_and_strided_arrays() -> None:
    frozen = IMAGES.copy()
    frozen.flags.writeable = False
    strided = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    expected = ArrayDataset(IMAGES, [0] * 6, ["a"])
    for images in (frozen, strided):
        dataset = ArrayDataset(images, [0] * 6, ["a"])
        assert torch.equal(dataset.images, expected.images)
        assert dataset.images.is_contiguous()
        assert dataset.fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("images", "targets", "classes"),
    [
        (IMAGES.astype(np.float32), [0] * 6, ["a"]),
        (IMAGES[0], [0] * 3, ["a"]),
        (IMAGES[:0], [], ["a"]),
        (IMAGES, [0.5] * 6, ["a"]),
        (IMAGES, [True] * 6, ["a", "b"]),
        (IMAGES, [0] * 5, ["a"]),
        (IMAGES, [1] * 6, ["a"]),
        (IMAGES, ["x"] * 6, ["a"]),
        ("nonsense", [0], ["a"]),
    ],
)
def test_what_does_not_fit(images: object, targets: object, classes: list[str]) -> None:
    with pytest.raises(CifarZooError):
        ArrayDataset(images, targets, classes)  # type: ignore[arg-type]


def test_labels_beyond_the_classes_are_named() -> None:
    with pytest.raises(DataError, match=r"must lie in 0 ... 0"):
        ArrayDataset(IMAGES, [0, 0, 0, 0, 0, 3], ["a"])
