"""`cifarzoo augment list` and `cifarzoo augment show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from cifarzoo import augment
from cifarzoo.cli.augment import app
from cifarzoo.errors import SettingError


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_preset_and_its_operations() -> None:
    table, presets = call("list"), json.loads(call("list", "--json", "--size", 64))
    assert list(presets) == augment.list_presets()
    assert all(name in table for name in presets)
    assert "RandomCrop(padding_px=8, mode='zero', size_px=None)" in presets["baseline"]


def test_show_prints_what_a_preset_holds() -> None:
    assert call("show", "--preset", "trivial") == f"{augment.create('trivial', 64)!r}\n"
    assert json.loads(call("show", "--preset", "none", "--json")) == {"preset": "none", "ops": [], "output": None}


def test_show_writes_a_contact_sheet(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    assert f"written: {path}" in call("show", "--preset", "strong", "--output", path, "--versions", 3)
    with Image.open(path) as sheet:
        assert sheet.size == (6 * (64 + 4), (64 + 12) + 3 * (64 + 4))


def test_show_takes_pictures(tmp_path: Path) -> None:
    picture, grid = tmp_path / "own.png", tmp_path / "grid.png"
    Image.new("RGB", (100, 80), (10, 200, 30)).save(picture)
    call("show", "--preset", "none", "--picture", picture, "--size", 40, "--output", grid)
    with Image.open(grid) as sheet:
        assert sheet.getpixel((0, 0)) == (10, 200, 30)


@pytest.mark.parametrize("name", ["grid", "grid.jpg", "file/grid.png"])
def test_an_output_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match=r"--output|cannot be written"):
        call("show", "--preset", "none", "--output", tmp_path / name)


def test_pictures_are_for_the_contact_sheet(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="add --output PNG"):
        call("show", "--preset", "none", "--picture", tmp_path / "own.png")


def test_an_unknown_preset() -> None:
    with pytest.raises(SettingError, match="nearest: strong"):
        call("show", "--preset", "strng")
