"""Sets by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_fakes import binary10, encode, pixels, tiny_members, write_files, write_zip

from cifarzoo import data
from cifarzoo.data import catalog
from cifarzoo.errors import DataError, SettingError


def test_names() -> None:
    assert data.names() == ["cifar10", "cifar100", "digits", "folder", "tiny_imagenet"]
    for name in data.names():
        known = data.entry(name)
        assert known.splits[0] == "train"
        assert known.spec is None or (known.size_px, known.num_classes) == (known.spec.size_px, known.spec.num_classes)


def test_each_is_opened_as_its_class(tmp_path: Path) -> None:
    write_files(tmp_path, binary10()[0])
    write_zip(tmp_path / "tiny-imagenet-200.zip", tiny_members())
    write_files(tmp_path / "pets", {f"{kind}/{n}.png": encode(pixels(1, 8)[0], "PNG") for kind in "ab" for n in (1, 2)})
    opened = [
        data.open("cifar10", tmp_path, "test", cache=None, partial=True),
        data.open("tiny_imagenet", str(tmp_path), "test", cache=None, partial=True),
        data.open("digits"),
        data.open("folder", tmp_path / "pets", size=8, cache=None),
    ]
    assert [type(dataset) for dataset in opened] == [data.CIFAR10, data.TinyImageNet, data.Digits, data.ImageFolder]
    assert [dataset.split for dataset in opened] == ["test", "val", "train", "train"]
    for dataset in opened[:3]:
        known = data.entry(dataset.name)
        assert tuple(dataset.images.shape[2:]) == (known.size_px, known.size_px)
    with pytest.raises(DataError, match="CIFAR-100 is not found"):
        data.open("cifar100", tmp_path)


def test_the_names_of_the_splits_are_the_sets_own_or_test(tmp_path: Path) -> None:
    for name, known in catalog.ENTRIES.items():
        if known.needs_root:
            with pytest.raises(SettingError, match="split"):
                data.open(name, tmp_path, "dev")


def test_options_reach_the_set(tmp_path: Path) -> None:
    write_files(tmp_path, binary10()[0])
    dataset = data.open("cifar10", tmp_path, cache=tmp_path / "kept", partial=True)
    assert dataset.cache_file is not None
    assert dataset.cache_file.parent == tmp_path / "kept"
    with pytest.raises(DataError, match="pass partial=True"):
        data.open("cifar10", tmp_path, cache=None)


@pytest.mark.parametrize(("name", "nearest"), [("cifar", "cifar10"), ("tinyimagenet", "tiny_imagenet"), ("x", "")])
def test_unknown_names(name: str, nearest: str) -> None:
    with pytest.raises(SettingError, match=rf"no data set is named '{name}'; nearest: {nearest}"):
        data.open(name)


def test_a_missing_root_is_asked_for() -> None:
    for name, known in catalog.ENTRIES.items():
        if known.needs_root:
            with pytest.raises(SettingError, match=f"name the folder that holds {known.title}"):
                data.open(name)


def test_sizes_are_for_folders() -> None:
    with pytest.raises(SettingError, match=r"size \(=48\) does not fit cifar10, whose images have 32 px"):
        data.open("cifar10", "somewhere", size=48)
    assert len(data.open("digits", size=32)) > 1000
