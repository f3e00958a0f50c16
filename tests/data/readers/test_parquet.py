"""Parquet files of the Hub: found by split, read in order; whatever is none is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import datasets
import numpy as np
import pytest
from data_fakes import encode, pixels, write_files, write_parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarzoo.data.readers import parquet
from cifarzoo.errors import CifarZooError, DataError

PICTURES = [encode(image, "PNG") for image in pixels(6, 32)]
LABELS = {"label": ([2, 0, 1, 2, 0, 1], ["a", "b", "c"]), "other": ([0, 1, 0, 1, 0, 1], ["x", "y"])}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["train-00000-of-00001.parquet", "test-00000-of-00001.parquet"], [0]),
        (["plain_text/train-00001-of-00002.parquet", "plain_text/train-00000-of-00002.parquet"], [1, 0]),
        (["data/train-00000-of-00001-abc.parquet", "data/valid-00000-of-00001-abc.parquet"], [0]),
        (["train/0000.parquet", "test/0000.parquet"], [0]),
        (["train.parquet", "deep/train.parquet"], [0]),
        (["training.parquet", "a/b/c/d/e/train.parquet"], []),
    ],
)
def test_files_of_a_split_are_found(tmp_path: Path, names: list[str], wanted: list[int]) -> None:
    write_files(tmp_path, dict.fromkeys(names, b""))
    assert parquet.find(tmp_path, ("train",)) == [tmp_path / names[place] for place in wanted]


def test_a_file_itself_is_taken_as_it_is(tmp_path: Path) -> None:
    write_files(tmp_path, {"any.parquet": b"", "any.zip": b""})
    assert parquet.find(tmp_path / "any.parquet", ("train",)) == [tmp_path / "any.parquet"]
    assert parquet.find(tmp_path / "any.zip", ("train",)) == []
    assert parquet.find(tmp_path / "nothing", ("train",)) == []


def test_rows_of_several_files_in_order(tmp_path: Path) -> None:
    paths = []
    for part in range(3):
        labels = {name: (numbers[part * 2 : part * 2 + 2], names) for name, (numbers, names) in LABELS.items()}
        path = tmp_path / f"train-{part}.parquet"
        paths.append(write_parquet(path, PICTURES[part * 2 : part * 2 + 2], "img", labels))
    table = parquet.read(paths, ("image", "img"))
    assert [table.picture(row) for row in range(len(table))] == PICTURES
    assert {name: column.tolist() for name, column in table.labels.items()} == {k: v for k, (v, _) in LABELS.items()}
    assert table.label_names == {"label": ("a", "b", "c"), "other": ("x", "y")}


def test_the_library_is_left_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_parquet(tmp_path / "train.parquet", PICTURES, "img", LABELS)
    datasets.enable_progress_bars()
    level = datasets.logging.get_verbosity()
    capfd.readouterr()
    parquet.read([path], ("img",))
    assert capfd.readouterr().err == ""
    assert not datasets.are_progress_bars_disabled()
    assert datasets.logging.get_verbosity() == level


def test_nothing_is_left_in_the_librarys_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    path = write_parquet(tmp_path / "train.parquet", PICTURES, "img", LABELS)
    parquet.read([path], ("img",))
    assert not (tmp_path / "hub").exists()


def test_missing_columns_and_pictures_are_named(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "train.parquet", PICTURES, "img", LABELS)
    with pytest.raises(DataError, match="has the columns img, label, other, none of them image"):
        parquet.read([path], ("image",))
    with pytest.raises(DataError, match="no pictures in its column 'label'"):
        parquet.read([path], ("label",))
    rows = datasets.Dataset.from_dict({"img": [{"bytes": None, "path": "/etc/hostname"}]})
    rows.to_parquet(str(tmp_path / "paths.parquet"))
    with pytest.raises(DataError, match="row 0 has no picture"):  # a file cannot make us read another file
        parquet.read([tmp_path / "paths.parquet"], ("img",)).picture(0)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    content = write_parquet(tmp_path / "a.parquet", PICTURES, "img", LABELS).read_bytes()
    for number, damaged in enumerate([b"", b"x" * 100, content[:-9], content[:200] + content[400:]]):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"{number}\.parquet cannot be read"):
            parquet.read([path], ("img",))


@settings(max_examples=10)
@given(st.data())
def test_flipped_bytes_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    content = bytearray(write_parquet(folder / "a.parquet", PICTURES, "img", LABELS).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / "b.parquet").write_bytes(content)
    with contextlib.suppress(CifarZooError):
        table = parquet.read([folder / "b.parquet"], ("img",))
        for row in range(len(table)):
            table.picture(row)


def test_words_as_labels(tmp_path: Path) -> None:
    pictures = [{"bytes": content, "path": None} for content in PICTURES[:3]]
    features = datasets.Features({"image": datasets.Image(), "kind": datasets.Value("string")})
    rows = datasets.Dataset.from_dict({"image": pictures, "kind": ["tree", "car", "tree"]}, features=features)
    rows.save_to_disk(str(tmp_path / "saved"))
    table = parquet.read_any(tmp_path / "saved", "train", None, "image")
    assert table.label_names["kind"] == ("car", "tree")
    np.testing.assert_array_equal(table.labels["kind"], [1, 0, 1])
