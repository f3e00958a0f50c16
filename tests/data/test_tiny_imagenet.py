"""Tiny-ImageNet: the same images and labels from every layout; damaged and hostile archives are refused."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_fakes import WNIDS, encode, pillow, pixels, rearranged, tiny_members, write_files, write_parquet, write_zip
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data import TinyImageNet, download, find_overlap, subset
from cifarzoo.data.measure import mean_and_std
from cifarzoo.data.readers.zip import Zip
from cifarzoo.data.specs import Archive
from cifarzoo.errors import CifarZooError, DataError, SettingError

REAL = os.environ.get("CIFARZOO_DATA")
MEMBERS = tiny_members()
BASE = "tiny-imagenet-200/"


def without_inner_folders(members: dict[str, bytes]) -> dict[str, bytes]:
    return {name.replace("/images/", "/"): content for name, content in members.items()}


LAYOUTS: dict[str, Callable[[Path], object]] = {
    "zip": lambda root: write_zip(root / "tiny-imagenet-200.zip", MEMBERS),
    "stored zip": lambda root: write_zip(root / "tiny-imagenet-200.zip", MEMBERS, zipfile.ZIP_STORED),
    "folder": lambda root: write_files(root, MEMBERS),
    "folder without images/": lambda root: write_files(root, without_inner_folders(MEMBERS)),
    "val by class": lambda root: write_files(root, rearranged(MEMBERS, "")),
    "val by class with images/": lambda root: write_files(root, rearranged(MEMBERS, "images/")),
    "zip of val by class": lambda root: write_zip(root / "tiny-imagenet-200.zip", rearranged(MEMBERS, "images/")),
}


def expected(split: str) -> tuple[np.ndarray, list[int]]:
    """Images as Pillow decodes them and labels, by class and name."""
    if split == "train":
        names = sorted(name for name in MEMBERS if name.startswith(f"{BASE}train/") and name.endswith("JPEG"))
        labels = [WNIDS.index(name.split("/")[2]) for name in names]
    else:
        lines = [line.split("\t") for line in MEMBERS[f"{BASE}val/val_annotations.txt"].decode().splitlines()]
        pairs = sorted((WNIDS.index(wnid), name) for name, wnid, *_ in lines)
        names, labels = [f"{BASE}val/images/{name}" for _, name in pairs], [label for label, _ in pairs]
    return np.stack([pillow(MEMBERS[name]) for name in names]), labels


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("split", ["train", "val"])
def test_every_layout_gives_the_same(tmp_path: Path, layout: str, split: str) -> None:
    LAYOUTS[layout](tmp_path)
    dataset = TinyImageNet(tmp_path, split, cache=tmp_path / "cache", partial=True)
    images, labels = expected(split)
    np.testing.assert_array_equal(dataset.images, images)
    assert dataset.targets.tolist() == labels
    assert dataset.classes == WNIDS  # sorted, though the list in the archive is not
    assert dataset.class_names == tuple(f"word {wnid}, other" for wnid in WNIDS)


@pytest.mark.parametrize("place", ["tiny-imagenet-200.zip", "tiny-imagenet-200"])
def test_root_may_be_the_layout_itself(tmp_path: Path, place: str) -> None:
    LAYOUTS["zip" if place.endswith("zip") else "folder"](tmp_path)
    assert len(TinyImageNet(tmp_path / place, cache=None, partial=True)) == 12


def test_the_zip_is_not_unpacked(tmp_path: Path) -> None:
    LAYOUTS["zip"](tmp_path / "data")
    TinyImageNet(tmp_path / "data", cache=tmp_path / "cache", partial=True)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["tiny-imagenet-200.zip"]


def test_parquet(tmp_path: Path) -> None:
    """The numbers in the file are mapped by their names, whatever order these have there."""
    names = [WNIDS[2], WNIDS[0], WNIDS[1]]
    pictures = [encode(image) for image in pixels(3, 64)]
    for split, file in (("train", "train-00000-of-00001-a.parquet"), ("val", "valid-00000-of-00001-b.parquet")):
        write_parquet(tmp_path / "data" / file, pictures, "image", {"label": ([0, 1, 2], names)})
        dataset = TinyImageNet(tmp_path, split, cache=tmp_path / "cache", partial=True)
        assert dataset.classes == dataset.class_names == WNIDS
        assert dataset.targets.tolist() == [2, 0, 1]
        np.testing.assert_array_equal(dataset.images, np.stack([pillow(content) for content in pictures]))
    write_files(tmp_path, {"words.txt": MEMBERS[f"{BASE}words.txt"]})
    named = TinyImageNet(tmp_path, "val", cache=tmp_path / "cache", partial=True)  # words that came later are heeded
    assert named.class_names[0] == f"word {WNIDS[0]}, other"


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "RGBA"])
def test_other_kinds_of_pictures_become_rgb(tmp_path: Path, mode: str) -> None:
    name = f"{BASE}train/{WNIDS[0]}/images/{WNIDS[0]}_0.JPEG"
    content = encode(pixels(1, 64)[0], "JPEG" if mode in ("L", "CMYK") else "PNG", mode)
    write_zip(tmp_path / "tiny-imagenet-200.zip", {**MEMBERS, name: content})
    dataset = TinyImageNet(tmp_path, cache=None, partial=True)
    np.testing.assert_array_equal(dataset.images[0], pillow(content))


def test_words_are_optional(tmp_path: Path) -> None:
    write_files(tmp_path, {name: content for name, content in MEMBERS.items() if not name.endswith("words.txt")})
    assert TinyImageNet(tmp_path, cache=None, partial=True).class_names == WNIDS


def test_splits_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="must be one of: train, val"):
        TinyImageNet(tmp_path, "test")


def test_nothing_found_lists_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tiny-imagenet-200.zip.*val_annotations.txt.*parquet.*download=True"):
        TinyImageNet(tmp_path)


def test_too_few_images_are_named(tmp_path: Path) -> None:
    LAYOUTS["zip"](tmp_path)
    with pytest.raises(DataError, match="has 4 images of class 0 in split 'train' where Tiny-ImageNet has 500"):
        TinyImageNet(tmp_path, cache=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wnids.txt": None}, "has no wnids.txt"),
        ({"wnids.txt": b"\n"}, "wnids.txt is empty"),
        ({"val/val_annotations.txt": None}, "has no tiny-imagenet-200/val/val_annotations.txt"),
        ({"val/val_annotations.txt": b"val_0.JPEG\tn01443537\n"}, "has no label for .*val_1.JPEG"),
        ({"val/val_annotations.txt": b"\xff\0garbage"}, "has no label for"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, changes: dict[str, bytes | None], message: str) -> None:
    members = {**MEMBERS, **{f"{BASE}{name}": content for name, content in changes.items()}}
    write_zip(tmp_path / "tiny-imagenet-200.zip", {k: v for k, v in members.items() if v is not None})
    with pytest.raises(DataError, match=message):
        TinyImageNet(tmp_path, "val", cache=None, partial=True)


def test_a_corrupt_member_is_named_or_left_out(tmp_path: Path) -> None:
    path = LAYOUTS["stored zip"](tmp_path)
    name = f"{BASE}train/{WNIDS[1]}/images/{WNIDS[1]}_2.JPEG"
    content = bytearray((tmp_path / "tiny-imagenet-200.zip").read_bytes())
    content[content.index(MEMBERS[name]) + 300] ^= 1
    (tmp_path / "tiny-imagenet-200.zip").write_bytes(content)
    with pytest.raises(DataError, match=rf"{path}: {name} is damaged: its checksum differs; on_error='skip'"):
        TinyImageNet(tmp_path, cache=tmp_path / "cache", partial=True)
    with pytest.warns(UserWarning, match="1 images were left out"):
        dataset = TinyImageNet(tmp_path, cache=tmp_path / "cache", partial=True, on_error="skip")
    assert dataset.targets.bincount().tolist() == [4, 3, 4]
    assert dataset.skipped == 1


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    name = f"{BASE}train/{WNIDS[0]}/images/{WNIDS[0]}_0.JPEG"
    write_files(tmp_path, {**MEMBERS, name: encode(pixels(1, 32)[0])})
    with pytest.raises(DataError, match=rf"{WNIDS[0]}_0.JPEG is 32x32, not 64x64 pixels"):
        TinyImageNet(tmp_path, cache=None, partial=True)


def test_download_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(archive: Archive, folder: Path) -> None:
        write_zip(folder / archive.name, MEMBERS)

    monkeypatch.setattr(download, "fetch", fetch)
    with pytest.raises(DataError, match="is not found"):
        TinyImageNet(tmp_path, cache=None, partial=True)
    assert len(TinyImageNet(tmp_path, cache=None, partial=True, download=True)) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-imagenet-200.zip"]


@given(st.data())
def test_altered_archives_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("any")
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    path = write_zip(root / "tiny-imagenet-200.zip", MEMBERS, method)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(CifarZooError):
        for split in ("train", "val"):
            TinyImageNet(root, split, cache=None, partial=True)


@given(st.sampled_from(["wnids.txt", "words.txt", "val/val_annotations.txt"]), st.binary(max_size=60))
def test_any_lists_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    root = write_files(tmp_path_factory.mktemp("any"), {**MEMBERS, f"{BASE}{name}": content})
    with contextlib.suppress(CifarZooError):
        TinyImageNet(root, "val", cache=None, partial=True)


real = pytest.mark.skipif(not REAL, reason="CIFARZOO_DATA does not name the real data")


@pytest.fixture(scope="module")
def real_sets() -> tuple[TinyImageNet, TinyImageNet]:
    assert REAL
    return TinyImageNet(REAL, "train"), TinyImageNet(REAL, "val")


@real
def test_real_counts_mean_and_std(real_sets: tuple[TinyImageNet, TinyImageNet]) -> None:
    train, val = real_sets
    assert train.targets.bincount().tolist() == [500] * 200
    assert val.targets.bincount().tolist() == [50] * 200
    assert train.classes == tuple(sorted(train.classes))
    assert train.class_names[0] == "goldfish, Carassius auratus"
    for measured, stated in zip(mean_and_std(train.images), (train.mean, train.std), strict=True):
        assert [round(value, 4) for value in measured] == [round(value, 4) for value in stated]


@real
def test_real_grey_files_and_pixels(real_sets: tuple[TinyImageNet, TinyImageNet]) -> None:
    """1,821 and 168 files are grey; a sample of all files equals what Pillow decodes."""
    assert REAL
    archive = Zip(Path(REAL) / "tiny-imagenet-200.zip")
    for dataset, split, grey_files in zip(real_sets, ("train", "val"), (1821, 168), strict=True):
        names = [name for name in archive.names if name.startswith(f"{BASE}{split}/") and name.endswith("JPEG")]
        grey = [name for name in names if _is_grey(archive.read(name))]
        assert len(grey) == grey_files
        red, green, blue = dataset.images.unbind(1)
        equal = ((red == green) & (green == blue)).flatten(1).all(dim=1)
        assert equal.sum() >= grey_files
        ours = {image.tobytes() for image in dataset.images.numpy()}
        assert all(pillow(archive.read(name)).tobytes() in ours for name in [*names[::97], *grey[::7]])


def _is_grey(content: bytes) -> bool:
    """Whether a JPEG file has one component, by its start of frame."""
    place = 2
    while content[place + 1] not in (0xC0, 0xC1, 0xC2):
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return content[place + 9] == 1


@real
def test_real_overlap(real_sets: tuple[TinyImageNet, TinyImageNet]) -> None:
    """7 validation images are in the training part, all 7 under another label."""
    train, val = real_sets
    overlap = find_overlap(train, val)
    assert len(overlap) == 7
    twins = subset(train, find_overlap(val, train))
    for row in overlap.tolist():
        labels = twins.targets[(twins.images == val.images[row]).flatten(1).all(dim=1)].tolist()
        assert labels
        assert int(val.targets[row]) not in labels
