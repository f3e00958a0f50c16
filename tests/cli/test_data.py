"""`cifarzoo data`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifarzoo import data
from cifarzoo.data import cache, specs
from cifarzoo.errors import DownloadError

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))

from data_fakes import encode, pixels, write_files


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures: twelve, one of them grey, two equal."""
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    images = pixels(12, 16)
    images[11] = images[10]
    members = {f"{'ab'[n % 2]}/{n:02d}.png": encode(image, "PNG") for n, image in enumerate(images)}
    members["a/00.png"] = encode(images[0], "PNG", "L")
    return write_files(
        tmp_path / "pets",
        {f"train/{name}": content for name, content in members.items()}
        | {f"test/{name}": content for name, content in members.items() if name in ("a/02.png", "b/03.png")},
    )


def test_info_lists_every_set(cli) -> None:
    records = json.loads(cli("data", "info", "--json").out)
    assert [record["name"] for record in records] == data.names()
    code, out, _ = cli("data", "info")
    assert code == 0
    assert all(name in out for name in data.names())


def test_info_of_one(cli, pets: Path) -> None:
    train, test = json.loads(cli("data", "info", "folder", "--root", pets, "--size", 16, "--json").out)
    assert (train["images"], test["images"], train["shape"]) == (12, 2, [3, 16, 16])
    assert train["mean"] == test["mean"]
    assert Path(train["cache_file"]).is_file()
    assert "fingerprint" in cli("data", "info", "folder", "--root", pets).out
    assert json.loads(cli("data", "info", "digits", "--json").out)[0]["cache_file"] is None


def test_check(cli, pets: Path) -> None:
    train, test = json.loads(cli("data", "check", "folder", "--root", pets, "--size", 16, "--json").out)
    assert train == {
        "split": "train",
        "cache": "whole",
        "images": 12,
        "images_per_class": [6, 6],
        "left_out": 0,
        "grey": 1,
        "repeated": 1,
        "in_training_part": None,
    }
    assert (test["images"], test["in_training_part"]) == (2, 2)
    assert "whole" in cli("data", "check", "folder", "--root", pets, "--size", 16).out


def test_check_builds_a_damaged_cache_anew(cli, pets: Path) -> None:
    arguments = ("data", "check", "folder", "--root", pets, "--size", 16, "--json")
    cli(*arguments)
    (file,) = (path for path in cache.files() if "train" in path.name)
    content = file.read_bytes()
    file.write_bytes(b"\xff" * 100 + content[100:])
    assert [record["cache"] for record in json.loads(cli(*arguments).out)] == ["was damaged, built anew", "whole"]
    assert file.read_bytes() == content


def test_cache_lists_and_clears(cli, pets: Path) -> None:
    cli("data", "info", "folder", "--root", pets)
    listed = json.loads(cli("data", "cache", "--json").out)
    assert [record["images"] for record in listed["files"]] == [2, 12]
    cache.files()[0].write_bytes(b"damaged")
    assert json.loads(cli("data", "cache", "--json").out)["files"][0]["images"] is None
    assert "folder-train-" in cli("data", "cache").out
    cleared = json.loads(cli("data", "cache", "folder-train-*", "--clear", "--json").out)
    assert len(cleared["files"]) == 1
    assert [path.name.split("-")[1] for path in cache.files()] == ["test"]
    cli("data", "cache", "--clear")
    assert cache.files() == []


def test_show_writes_a_sheet(cli, tmp_path: Path) -> None:
    picture = tmp_path / "new" / "sheet.png"
    line = ("data", "show", "digits", "--rows", 4, "--columns", 5, "--output", picture, "--json")
    shown = json.loads(cli(*line).out)
    assert shown["rows"] == ["0", "3", "6", "9"]
    with Image.open(picture) as sheet:
        assert sheet.size == (5 * 66, 4 * 66)
        first = np.asarray(sheet)[2:66:2, 2:66:2]
    dataset = data.open("digits")
    np.testing.assert_array_equal(first, dataset.images[shown["indices"][0][0]].permute(1, 2, 0))
    before = picture.read_bytes()
    cli(*line)
    assert picture.read_bytes() == before
    assert str(picture) in cli("data", "show", "digits", "--output", picture).out


def test_download(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(archive: specs.Archive, folder: Path) -> Path:
        if folder.name == "full":
            raise DownloadError("no space")
        (folder / archive.name).write_bytes(b"content")
        return folder / archive.name

    monkeypatch.setattr("cifarzoo.data.download.fetch", fetch)
    found = json.loads(cli("data", "download", "cifar100", "--root", tmp_path, "--json").out)
    assert found["path"] == str(tmp_path / "cifar-100-binary.tar.gz")
    assert len(found["sha256"]) == len(hashlib.sha256().hexdigest())
    assert cli("data", "download", "cifar10", "--root", tmp_path).out.strip().endswith("cifar-10-binary.tar.gz")
    assert cli("data", "download", "cifar10", "--root", tmp_path / "full")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("info", "cifar"), "no data set is named 'cifar'; nearest: cifar10"),
        (("check", "cifar10"), "name the folder that holds CIFAR-10 (--root DIR)"),
        (("check", "cifar10", "--root", "/nonexistent"), "does not exist"),
        (("download", "digits", "--root", "."), "digits has no archive to download"),
        (("show", "digits", "--output", "/dev/null/sheet.png"), "cannot be written"),
        (("show", "nothing", "--output", "sheet.jpg"), "sheet.jpg must end in .png"),  # said first
        (("show", "digits", "--split", "dev"), "must be 'train' or 'test'"),
    ],
)
def test_mistakes_are_one_line(cli, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = cli("data", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
