"""Every layout of CIFAR gives the same images and labels; damaged and hostile files are refused."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from data_fakes import (
    binary10,
    binary100,
    encode,
    gzip_bomb,
    png_tree,
    python10,
    python100,
    python_batch,
    write_files,
    write_parquet,
    write_tar,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarzoo.data import CIFAR10, CIFAR100, Dataset, cifar_layouts, specs
from cifarzoo.data.readers import tar
from cifarzoo.errors import CifarZooError, DataError

MEMBERS10, IMAGES10, LABELS10 = binary10()
MEMBERS100, IMAGES100, FINE, COARSE = binary100()
TRAIN10 = slice(0, 100)
TEST10 = slice(100, 120)


def tree10(root: Path) -> None:
    for split, rows in (("train", TRAIN10), ("test", TEST10)):
        write_files(root, png_tree(IMAGES10[rows], LABELS10[rows], specs.CIFAR10_CLASSES, split))


def parquet10(root: Path) -> None:
    for split, rows in (("train", TRAIN10), ("test", TEST10)):
        pictures = [encode(image, "PNG") for image in IMAGES10[rows]]
        labels = {"label": (LABELS10[rows], list(specs.CIFAR10_CLASSES))}
        write_parquet(root / "plain_text" / f"{split}-00000-of-00001.parquet", pictures, "img", labels)


def parquet100(root: Path) -> None:
    pictures = [encode(image, "PNG") for image in IMAGES100]
    labels = {
        "fine_label": (FINE, list(specs.CIFAR100_CLASSES)),
        "coarse_label": (COARSE, list(specs.CIFAR100_COARSE_CLASSES)),
    }
    for split in ("train", "test"):
        write_parquet(root / "cifar100" / f"{split}-00000-of-00001.parquet", pictures, "img", labels)


def test_labels_that_are_missing_in_parquet(tmp_path: Path) -> None:
    """The Hub marks what has no label by -1."""
    names = {"fine_label": list(specs.CIFAR100_CLASSES), "coarse_label": list(specs.CIFAR100_COARSE_CLASSES)}
    for fine, coarse, message in ((-1, 0, "has a label -1"), (0, -1, "has a coarse label -1")):
        labels = {"fine_label": ([fine], names["fine_label"]), "coarse_label": ([coarse], names["coarse_label"])}
        write_parquet(tmp_path / "test.parquet", [encode(IMAGES100[0], "PNG")], "img", labels)
        with pytest.raises(DataError, match=message):
            CIFAR100(tmp_path, "test", cache=None, partial=True)


LAYOUTS10: dict[str, Callable[[Path], object]] = {
    "binary": lambda root: write_files(root, MEMBERS10),
    "binary archive": lambda root: write_tar(root / "cifar-10-binary.tar.gz", MEMBERS10),
    "python": lambda root: write_files(root, python10()),
    "python of protocol 2": lambda root: write_files(root, python10(protocol=2)),
    "python of protocol 4": lambda root: write_files(root, python10(protocol=4)),
    "python archive": lambda root: write_tar(root / "cifar-10-python.tar.gz", python10()),
    "parquet": parquet10,
    "tree": tree10,
}
LAYOUTS100: dict[str, Callable[[Path], object]] = {
    "binary": lambda root: write_files(root, MEMBERS100),
    "binary archive": lambda root: write_tar(root / "cifar-100-binary.tar.gz", MEMBERS100),
    "python": lambda root: write_files(root, python100()),
    "python archive": lambda root: write_tar(root / "cifar-100-python.tar.gz", python100()),
    "parquet": parquet100,
    "tree": lambda root: [
        write_files(root, png_tree(IMAGES100, FINE, specs.CIFAR100_CLASSES, split)) for split in ("train", "test")
    ],
}


def by_class(dataset: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels in the order of the labels, which the tree gives them in."""
    order = dataset.targets.argsort(stable=True)
    return dataset.images[order], dataset.targets[order]


@pytest.mark.parametrize("layout", LAYOUTS10)
def test_cifar10(tmp_path: Path, layout: str) -> None:
    LAYOUTS10[layout](tmp_path)
    for split, rows in (("train", TRAIN10), ("test", TEST10)):
        dataset = CIFAR10(tmp_path, split, cache=None, partial=True)
        order = np.argsort(LABELS10[rows], kind="stable")
        images, targets = by_class(dataset)
        np.testing.assert_array_equal(images, IMAGES10[rows][order])
        np.testing.assert_array_equal(targets, LABELS10[rows][order])
        assert dataset.classes == specs.CIFAR10_CLASSES
        if layout != "tree":
            np.testing.assert_array_equal(dataset.images, IMAGES10[rows])


@pytest.mark.parametrize("layout", LAYOUTS100)
def test_cifar100(tmp_path: Path, layout: str) -> None:
    LAYOUTS100[layout](tmp_path)
    for split in ("train", "test"):
        dataset = CIFAR100(tmp_path, split, cache=tmp_path / "cache", partial=True)
        np.testing.assert_array_equal(dataset.images, IMAGES100)
        np.testing.assert_array_equal(dataset.targets, FINE)
        np.testing.assert_array_equal(dataset.coarse_targets, COARSE)
        assert dataset.coarse_classes[int(dataset.coarse_targets[0])] == "fruit_and_vegetables"  # of an apple


@pytest.mark.parametrize(
    ("layout", "place"),
    [
        ("binary", "cifar-10-batches-bin"),
        ("binary archive", "cifar-10-binary.tar.gz"),
        ("python", "cifar-10-batches-py"),
        ("python archive", "cifar-10-python.tar.gz"),
        ("parquet", "plain_text"),
    ],
)
def test_root_may_be_the_layout_itself(tmp_path: Path, layout: str, place: str) -> None:
    LAYOUTS10[layout](tmp_path)
    np.testing.assert_array_equal(CIFAR10(tmp_path / place, "test", cache=None, partial=True).images, IMAGES10[TEST10])


def test_an_archive_under_another_name(tmp_path: Path) -> None:
    for number, members in enumerate((MEMBERS10, python10())):
        path = write_tar(tmp_path / f"renamed-{number}.tgz", members)
        np.testing.assert_array_equal(CIFAR10(path, "test", cache=None, partial=True).images, IMAGES10[TEST10])


def test_nothing_found_lists_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        CIFAR10(tmp_path)
    for part in ("cifar-10-batches-bin/", "cifar-10-python.tar.gz", ".parquet", "<class>/*.png", str(tmp_path)):
        assert part in str(caught.value)


def test_one_of_the_two_is_not_the_other(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no archive of CIFAR-10"):
        CIFAR10(write_tar(tmp_path / "a.tar.gz", MEMBERS100))
    parquet100(tmp_path)
    with pytest.raises(DataError, match="has no column 'label' of numbers; it is no CIFAR-10"):
        CIFAR10(tmp_path)


@pytest.mark.parametrize("missing", ["data_batch_3.bin", "test_batch.bin"])
def test_a_missing_batch_is_named(tmp_path: Path, missing: str) -> None:
    members = {name: content for name, content in MEMBERS10.items() if missing not in name}
    split = "test" if "test" in missing else "train"
    with pytest.raises(DataError, match=missing):
        CIFAR10(write_tar(tmp_path / "a.tar.gz", members), split, partial=True, cache=None)
    if split == "train":
        with pytest.raises(DataError, match=missing):
            CIFAR10(write_files(tmp_path / "b", members), split, partial=True, cache=None)


def test_too_few_images_are_named(tmp_path: Path) -> None:
    write_files(tmp_path, MEMBERS10)
    with pytest.raises(
        DataError, match=r"has 10 images of class 0 in split 'train' where CIFAR-10 has 5000 \(10 of 10"
    ):
        CIFAR10(tmp_path, cache=None)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 3072, b"x" * 3074])
def test_a_batch_of_the_wrong_size_is_named(tmp_path: Path, content: bytes) -> None:
    write_files(tmp_path, {**MEMBERS10, "cifar-10-batches-bin/test_batch.bin": content})
    with pytest.raises(DataError, match=r"test_batch.bin has \d+ bytes, no multiple of 3073"):
        CIFAR10(tmp_path, "test", cache=None, partial=True)


def test_labels_out_of_range_are_named(tmp_path: Path) -> None:
    write_files(tmp_path, {**MEMBERS10, "cifar-10-batches-bin/test_batch.bin": bytes([10]) + bytes(3072)})
    with pytest.raises(DataError, match=r"has a label 10, not one of 0 ... 9"):
        CIFAR10(tmp_path, "test", cache=None, partial=True)
    write_files(tmp_path, {"cifar-100-binary/test.bin": bytes([20, 0]) + bytes(3072)})
    with pytest.raises(DataError, match=r"has a coarse label 20, not one of 0 ... 19"):
        CIFAR100(tmp_path, "test", cache=None, partial=True)


@pytest.mark.parametrize(
    "batch",
    [
        [],
        {"data": np.zeros((2, 3072), np.uint8)},
        {"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]},
        {"data": np.zeros((2, 3072), np.int16), "labels": [0, 1]},
        {"data": np.zeros(3072, np.uint8), "labels": [0]},
        {"data": [1, 2], "labels": [0, 1]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, "1"]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, True]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 2**80]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [0, -1]},
    ],
)
def test_python_batches_that_are_none(tmp_path: Path, batch: object) -> None:
    write_files(tmp_path, {"cifar-10-batches-py/test_batch": pickle.dumps(batch, 4)})
    with pytest.raises(DataError, match=r"test_batch has no|has a label -1"):
        CIFAR10(tmp_path, "test", cache=None, partial=True)


def test_a_python_batch_that_calls_is_refused(tmp_path: Path) -> None:
    payload = b"cos\nsystem\nU\x10touch /tmp/owned.\x85R."
    write_files(tmp_path, {"cifar-10-batches-py/test_batch": payload})
    with pytest.raises(DataError, match=r"test_batch names os\.system, which is not data"):
        CIFAR10(tmp_path, "test", cache=None, partial=True)


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_BYTES", 1 << 20)
    with pytest.raises(DataError, match="expands to more than the limit"):
        CIFAR10(gzip_bomb(tmp_path / "cifar-10-binary.tar.gz", 8 << 20), cache=None)


def test_a_corrupt_picture_is_named_or_left_out(tmp_path: Path) -> None:
    tree10(tmp_path)
    bad = next((tmp_path / "test").rglob("*.png"))
    bad.write_bytes(bad.read_bytes()[:60])
    with pytest.raises(DataError, match=rf"{bad.parent.name}/{bad.name} cannot be decoded.*on_error='skip'"):
        CIFAR10(tmp_path, "test", cache=None, partial=True)
    with pytest.warns(UserWarning, match="1 images were left out"):
        dataset = CIFAR10(tmp_path, "test", cache=None, partial=True, on_error="skip")
    assert (len(dataset), dataset.skipped) == (19, 1)


NAMES = ["cifar-10-batches-bin/test_batch.bin", "cifar-10-batches-py/test_batch", "cifar-10-binary.tar.gz"]


@settings(max_examples=40)
@given(st.sampled_from([*NAMES, "test.parquet", "test/cat/1.png"]), st.binary(max_size=200))
def test_any_bytes_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    root = write_files(tmp_path_factory.mktemp("any"), {name: content})
    with contextlib.suppress(CifarZooError):
        CIFAR10(root, "test", cache=None, partial=True)


@given(st.data())
def test_altered_python_batches_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(python_batch(IMAGES10[:2], {"labels": LABELS10[:2]}, data.draw(st.sampled_from([0, 2, 4]))))
    places = [place for place in range(len(content)) if not 300 < place < len(content) - 300]
    for place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    root = write_files(tmp_path_factory.mktemp("any"), {"cifar-10-batches-py/test_batch": bytes(content)})
    with contextlib.suppress(CifarZooError):
        CIFAR10(root, "test", cache=None, partial=True)


def test_formats_name_what_they_read() -> None:
    for kind in (cifar_layouts.CIFAR10, cifar_layouts.CIFAR100):
        assert kind.versions[0].archive == kind.spec.archive.name
        assert set(kind.record) == set(kind.labels)
        assert all(set(version.batches) == {"train", "test"} for version in kind.versions)
