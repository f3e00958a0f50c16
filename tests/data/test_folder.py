"""The user's own pictures."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from data_fakes import encode, pixels, write_files
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data import ImageFolder, cache
from cifarzoo.data.measure import mean_and_std
from cifarzoo.errors import CifarZooError, DataError, NotFoundError, SettingError

IMAGES = pixels(20, 48)
MEMBERS = {f"{'cat' if n % 2 else 'dog'}/{n:02d}.png": encode(image, "PNG") for n, image in enumerate(IMAGES)}


def place_of(image: torch.Tensor) -> int:
    """Which of the pictures an image is."""
    return int((torch.from_numpy(IMAGES) == image).flatten(1).all(dim=1).nonzero()[0])


def test_a_part_is_held_out_where_there_are_no_split_folders(tmp_path: Path) -> None:
    write_files(tmp_path / "pets", MEMBERS)
    train, test = (ImageFolder(tmp_path / "pets", split, 48, cache=tmp_path / "c") for split in ("train", "test"))
    assert (train.classes, train.name) == (("cat", "dog"), "pets")
    assert (len(train), len(test)) == (16, 4)
    assert test.targets.bincount().tolist() == [2, 2]
    found = [place_of(image) for dataset in (train, test) for image in dataset.images]
    assert sorted(found) == list(range(20))
    for dataset in (train, test):
        assert all(
            place_of(image) % 2 == 1 - label for image, label in zip(dataset.images, dataset.targets, strict=True)
        )
        assert dataset.mean == mean_and_std(train.images)[0]
        assert dataset.std == mean_and_std(train.images)[1]


def test_seed_and_share_decide_the_part(tmp_path: Path) -> None:
    write_files(tmp_path, MEMBERS)
    parts = [ImageFolder(tmp_path, "test", 48, cache=None, seed=seed, test_frac=0.4) for seed in (0, 0, 1)]
    assert [len(part) for part in parts] == [8, 8, 8]
    assert parts[0].fingerprint == parts[1].fingerprint != parts[2].fingerprint


@pytest.mark.parametrize("name", ["test", "val", "validation"])
def test_split_folders(tmp_path: Path, name: str) -> None:
    write_files(tmp_path / "train", {k: v for k, v in MEMBERS.items() if int(k[4:6]) < 14})
    write_files(tmp_path / name, {k: v for k, v in MEMBERS.items() if int(k[4:6]) >= 14})
    train, test = (ImageFolder(tmp_path, split, 48, cache=None) for split in ("train", "test"))
    assert (len(train), len(test)) == (14, 6)
    assert test.mean == train.mean == mean_and_std(train.images)[0]


def test_pictures_are_resized(tmp_path: Path) -> None:
    write_files(tmp_path, {**MEMBERS, "cat/wide.jpg": encode(np.zeros((3, 20, 90), np.uint8))})
    dataset = ImageFolder(tmp_path, "train", 16, cache=None)
    assert tuple(dataset.images.shape[1:]) == (3, 16, 16)


def test_the_size_is_part_of_the_cache(tmp_path: Path) -> None:
    write_files(tmp_path / "pets", MEMBERS)
    for size in (8, 16):
        assert ImageFolder(tmp_path / "pets", "train", size, cache=tmp_path / "c").images.shape[2] == size
    assert len(cache.files(tmp_path / "c")) == 2


def test_a_second_open_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "pets", MEMBERS)
    first = ImageFolder(tmp_path / "pets", "test", 8, cache=tmp_path / "c")
    monkeypatch.setattr("cifarzoo.data.build.mean_and_std", None)
    assert ImageFolder(tmp_path / "pets", "test", 8, cache=tmp_path / "c").mean == first.mean


def test_bad_pictures(tmp_path: Path) -> None:
    write_files(tmp_path, {**MEMBERS, "cat/bad.png": b"no picture"})
    with pytest.raises(DataError, match=r"cat/bad.png is no picture"):
        for split in ("train", "test"):
            ImageFolder(tmp_path, split, 8, cache=None)
    with pytest.warns(UserWarning, match="1 images were left out"):
        both = [ImageFolder(tmp_path, split, 8, cache=None, on_error="skip") for split in ("train", "test")]
    assert sum(len(dataset) for dataset in both) == 20


def test_classes_of_both_parts_must_agree(tmp_path: Path) -> None:
    write_files(tmp_path / "train", MEMBERS)
    write_files(tmp_path / "test", {"bird/1.png": MEMBERS["dog/00.png"]})
    with pytest.raises(DataError, match="other classes"):
        ImageFolder(tmp_path, "test", 8, cache=None)


@pytest.mark.parametrize("members", [{}, {"notes.txt": b""}, {"1.png": b""}, {"train/notes.txt": b""}])
def test_nothing_found(tmp_path: Path, members: dict[str, bytes]) -> None:
    write_files(tmp_path / "pets", {"x": b"", **members})
    with pytest.raises(NotFoundError, match="has no pictures"):
        ImageFolder(tmp_path / "pets", "train", cache=None)
    with pytest.raises(NotFoundError, match="has no pictures"):
        ImageFolder(tmp_path / "nothing", "train", cache=None)


def test_a_test_part_that_is_missing(tmp_path: Path) -> None:
    write_files(tmp_path / "train", MEMBERS)
    with pytest.raises(DataError, match=r"no pictures for split 'test'; accepted: test or val"):
        ImageFolder(tmp_path, "test", cache=None)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_training_part_that_is_missing(tmp_path: Path, split: str) -> None:
    write_files(tmp_path / "val", MEMBERS)
    with pytest.raises(DataError, match=r"no pictures for split 'train'; accepted: train or training"):
        ImageFolder(tmp_path, split, cache=None)


def test_a_class_may_be_named_like_a_part(tmp_path: Path) -> None:
    write_files(tmp_path, {name.replace("cat", "valid").replace("dog", "test"): MEMBERS[name] for name in MEMBERS})
    (tmp_path / "valid" / ".thumbnails").mkdir()
    assert ImageFolder(tmp_path, cache=None).classes == ("test", "valid")


@pytest.mark.parametrize("size", [0, 1025, 3.5, True])
def test_sizes_are_checked(tmp_path: Path, size: int) -> None:
    with pytest.raises(SettingError, match=r"must be an integer in 1 ... 1024"):
        ImageFolder(tmp_path, size=size)


def test_splits_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="must be one of: train, test"):
        ImageFolder(tmp_path, "val")


@given(st.binary(max_size=100))
def test_any_bytes_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = write_files(tmp_path_factory.mktemp("any"), {"train/a/1.jpg": content})
    with contextlib.suppress(CifarZooError):
        ImageFolder(root, "train", 8, cache=None)
