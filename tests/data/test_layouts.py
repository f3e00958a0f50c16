"""What the readers share: order, labels, and the checks on what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_fakes import encode, pixels, write_files

from cifarzoo.data import layouts, specs
from cifarzoo.data.readers.files import Folder
from cifarzoo.errors import DataError, SettingError

PICTURE = encode(pixels(1, 32)[0], "PNG")


def test_order_is_by_label_and_name_however_deep_the_files_lie(tmp_path: Path) -> None:
    flat = ["b/1.png", "b/0.png", "a/2.png"]
    deep = ["b/images/1.png", "b/0.png", "a/x/y/2.png"]
    for number, names in enumerate((flat, deep)):
        write_files(tmp_path / str(number), dict.fromkeys(names, PICTURE))
        contents = layouts.tree_contents(Folder(tmp_path / str(number)), "", ("b", "a"), ("B", "A"), (32, 32))
        assert contents.targets.tolist() == [0, 0, 1]
        read = [contents.pixels.name(row).rpartition("/")[2] for row in range(3)]  # type: ignore[attr-defined]
        assert read == ["0.png", "1.png", "2.png"]


def test_what_is_no_picture_of_a_class_is_passed_over(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/1.png": b"", "a/boxes.txt": b"", "a/._1.png": b"", "c/1.png": b"", "1.png": b""})
    assert len(layouts.tree_contents(Folder(tmp_path), "", ("a", "b"), ("a", "b"), (32, 32)).targets) == 1
    with pytest.raises(DataError, match=r"no pictures under <class>/ for x ... y"):
        layouts.tree_contents(Folder(tmp_path), "", ("x", "y"), ("x", "y"), (32, 32))


@pytest.mark.parametrize("name", ["a.png", "b/a.PNG", "a.jpg", "a.JPEG", "x y.jpeg"])
def test_pictures_by_name(name: str) -> None:
    assert layouts.is_picture(name)


@pytest.mark.parametrize("name", ["a.txt", "png", ".a.png", "b/.a.png", "a.png.txt", "._x.JPEG"])
def test_other_files_by_name(name: str) -> None:
    assert not layouts.is_picture(name)


def test_counts() -> None:
    spec = specs.CIFAR10
    whole = np.repeat(np.arange(10), 1000)
    layouts.check_counts(spec, "test", whole, partial=False, where=Path("here"))
    layouts.check_counts(spec, "test", whole[::100], partial=True, where=Path("here"))
    with pytest.raises(
        DataError, match=r"here has 999 images of class 0 in split 'test' where CIFAR-10 has 1000 \(1 of"
    ):
        layouts.check_counts(spec, "test", whole[1:], partial=False, where=Path("here"))
    with pytest.raises(DataError, match=r"has 1001 images of class 9"):
        layouts.check_counts(spec, "test", np.append(whole, 9), partial=True, where=Path("here"))
    for label in (10, -1):
        with pytest.raises(DataError, match=rf"has a label {label}, not one of 0 ... 9"):
            layouts.check_counts(spec, "test", np.append(whole, label), partial=True, where=Path("here"))


def test_splits_are_checked() -> None:
    with pytest.raises(SettingError, match="must be one of: train, val"):
        layouts.check_split(specs.TINY_IMAGENET, "test")


def test_nothing_found_names_the_path_and_the_layouts(tmp_path: Path) -> None:
    there = str(layouts.missing(specs.CIFAR10, tmp_path, ["one", "two"]))
    assert f"{tmp_path} holds none of its layouts" in there
    assert "one; two" in there
    assert "does not exist" in str(layouts.missing(specs.CIFAR10, tmp_path / "x", ["one"]))


def test_stamps_cover_the_parts_that_count(tmp_path: Path) -> None:
    write_files(tmp_path, {"train/a.png": b"1", "test/a.png": b"2"})
    found = layouts.Found(layout="x", paths=(tmp_path,), read=lambda: None, parts=("train",))  # type: ignore[arg-type, return-value]
    before = found.stamps()
    (tmp_path / "test" / "a.png").write_bytes(b"22")
    assert found.stamps() == before
    (tmp_path / "train" / "a.png").write_bytes(b"11")
    assert found.stamps() != before
