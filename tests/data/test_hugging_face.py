"""Sets of the Hub and in its formats; nothing is fetched unless it is asked for."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import numpy as np
import pytest
from data_fakes import encode, pillow, pixels, write_files, write_parquet
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data import HuggingFace, cache
from cifarzoo.data.measure import mean_and_std
from cifarzoo.errors import CifarZooError, DataError, DownloadError, SettingError

PICTURES = [encode(image) for image in pixels(6, 32)]
IMAGES = np.stack([pillow(content) for content in PICTURES])
LABELS: dict[str, tuple[object, list[str]]] = {"label": ([2, 0, 1, 2, 0, 1], ["b", "a", "c"])}


def write_set(root: Path) -> Path:
    for split, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        numbers, names = LABELS["label"]
        labels = {"label": (numbers[rows], names)}  # type: ignore[index]
        write_parquet(root / "data" / f"{split}-00000-of-00001.parquet", PICTURES[rows], "image", labels)
    return root


def test_parquet_on_disk(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    train, test = (HuggingFace(root, split, cache=tmp_path / "cache") for split in ("train", "test"))
    np.testing.assert_array_equal(train.images, IMAGES[:4])
    np.testing.assert_array_equal(test.images, IMAGES[4:])
    assert test.targets.tolist() == [0, 1]
    assert train.classes == ("b", "a", "c")  # the set's own numbers and names
    assert test.mean == train.mean == mean_and_std(train.images)[0]
    assert len(cache.files(tmp_path / "cache")) == 2


def test_what_was_saved_to_disk_and_shuffled(tmp_path: Path) -> None:
    numbers, names = LABELS["label"]
    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=names)})
    pictures = [{"bytes": content, "path": None} for content in PICTURES]
    rows = datasets.Dataset.from_dict({"picture": pictures, "kind": numbers}, features=features)
    rows.select([5, 0, 3]).save_to_disk(str(tmp_path / "saved"))
    dataset = HuggingFace(tmp_path / "saved", image="picture", label="kind", cache=None)
    np.testing.assert_array_equal(dataset.images, IMAGES[[5, 0, 3]])
    assert dataset.targets.tolist() == [1, 2, 2]


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "GIF"])
def test_other_kinds_of_pictures(tmp_path: Path, kind: str) -> None:
    pictures = [encode(image, kind) for image in pixels(6, 32)]
    write_parquet(tmp_path / "train.parquet", pictures, "image", LABELS)
    dataset = HuggingFace(tmp_path, cache=None)
    np.testing.assert_array_equal(dataset.images, np.stack([pillow(content) for content in pictures]))


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    members = {f"train/{'cat' if n % 2 else 'dog'}/{n}.jpg": content for n, content in enumerate(PICTURES)}
    dataset = HuggingFace(write_files(tmp_path / "set", members), cache=None)
    assert dataset.classes == ("cat", "dog")
    assert dataset.targets.bincount().tolist() == [3, 3]


def test_resizing(tmp_path: Path) -> None:
    pictures = [encode(pixels(1, side)[0], "PNG") for side in (20, 40)]
    write_parquet(tmp_path / "set" / "train.parquet", pictures, "image", {"label": ([0, 0], ["a"])})
    assert tuple(HuggingFace(tmp_path / "set", size=16, cache=None).images.shape) == (2, 3, 16, 16)
    with pytest.raises(DataError, match="is 40x40, not 20x20 pixels"):
        HuggingFace(tmp_path / "set", cache=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "dev"}, "cannot be read by the datasets library"),
        ({"image": "img"}, "none of them img"),
        ({"label": "kind"}, "no column 'kind' of labels; it has: label"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    write_set(tmp_path / "set")
    with pytest.raises(DataError, match=message):
        HuggingFace(tmp_path / "set", cache=None, **options)


@pytest.mark.parametrize("labels", [[], [-1, 0], [2**40, 0]])
def test_labels_that_are_none(tmp_path: Path, labels: list[int]) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    columns = {"image": [{"bytes": PICTURES[0], "path": None}] * len(labels), "label": labels}
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(
        DataError, match=r"has no images in split 'train', or labels outside 0 ... 99999|cannot be read"
    ):
        HuggingFace(tmp_path / "saved", cache=None)


@given(st.binary(max_size=100), st.sampled_from(["train.parquet", "train.csv", "train.jsonl", "train/a/1.png"]))
def test_any_bytes_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    root = write_files(tmp_path_factory.mktemp("any"), {name: content})
    with contextlib.suppress(CifarZooError):
        HuggingFace(root, cache=None)


def test_nothing_is_fetched_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, asked = write_set(tmp_path / "set"), []

    def snapshot_download(name: str, *, repo_type: str, local_files_only: bool) -> str:
        asked.append((name, repo_type, local_files_only))
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not there")
        return str(root)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(
        DataError, match=r"'user/set' is no folder and not in the Hub's cache; download=True fetches it"
    ):
        HuggingFace("user/set", cache=None)
    assert len(HuggingFace("user/set", cache=None, download=True)) == 4
    assert asked == [("user/set", "dataset", True), ("user/set", "dataset", False)]
    monkeypatch.setenv("CIFARZOO_OFFLINE", "1")
    with pytest.raises(DownloadError, match="user/set is not in the Hub's cache, and CIFARZOO_OFFLINE is set; unset"):
        HuggingFace("user/set", cache=None, download=True)
    assert asked[2:] == [("user/set", "dataset", True)]


def test_a_failed_fetch_is_an_error_of_ours() -> None:
    """The tests are offline, and the Hub's library is told so."""
    with pytest.raises(DownloadError, match="user/set cannot be fetched from the Hub"):
        HuggingFace("user/set", cache=None, download=True)


def write_words(root: Path, **splits: list[object]) -> Path:
    """Sets whose labels are words or numbers without names."""
    for split, labels in splits.items():
        kind = "string" if isinstance(labels[0], str) else "int64"
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value(kind)})
        columns = {"image": [{"bytes": content, "path": None} for content in PICTURES[: len(labels)]], "label": labels}
        root.mkdir(exist_ok=True)
        datasets.Dataset.from_dict(columns, features=features).to_parquet(str(root / f"{split}.parquet"))
    return root


@pytest.mark.parametrize(("train", "test"), [(["c", "a", "b"], ["b", "c"]), ([2, 0, 1], [1])])
def test_a_label_is_the_same_in_each_split(tmp_path: Path, train: list[object], test: list[object]) -> None:
    root = write_words(tmp_path / "set", train=train, test=test)
    ours, theirs = (HuggingFace(root, split, cache=None) for split in ("train", "test"))
    assert ours.classes == theirs.classes == tuple(map(str, sorted(train, key=str)))
    for dataset, labels in ((ours, train), (theirs, test)):
        assert [dataset.classes[target] for target in dataset.targets] == [str(label) for label in labels]
    assert theirs.fingerprint != HuggingFace(root, "test", train_split="test", cache=None).fingerprint


def test_labels_that_training_has_not_or_that_are_missing(tmp_path: Path) -> None:
    root = write_words(tmp_path / "set", train=["a", "b"], test=["a", "d"])
    with pytest.raises(DataError, match="split 'test' has the class 'd', which the training split has not"):
        HuggingFace(root, "test", cache=None)
    with pytest.raises(DataError, match="labels outside"):
        HuggingFace(write_words(tmp_path / "none", train=["a", None]), cache=None)


def test_a_split_that_was_saved_alone_is_no_other(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    datasets.load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "scratch")).save_to_disk(
        str(tmp_path / "saved")
    )
    assert len(HuggingFace(tmp_path / "saved", cache=None)) == 4
    with pytest.raises(DataError, match="holds the split 'train' alone, not 'test'"):
        HuggingFace(tmp_path / "saved", "test", cache=None)


@pytest.mark.parametrize("size", [0, -1, "64", True])
def test_sizes_that_are_none(tmp_path: Path, size: Any) -> None:
    with pytest.raises(SettingError, match="size"):
        HuggingFace(write_set(tmp_path / "set"), size=size, cache=None)
