"""Tables and numbers as commands write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifarzoo.cli.output import (
    check_png,
    markdown_table,
    millions,
    write_fields,
    write_figure,
    write_json,
    write_pixels,
    write_table,
)
from cifarzoo.errors import SettingError


def test_markdown_aligns_numbers_to_the_right() -> None:
    table = markdown_table(("name", "count"), [("a", "1"), ("b", "-")])
    assert table == "| name | count |\n| --- | ---: |\n| a | 1 |\n| b | - |"


def test_a_table_without_rows_has_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    assert markdown_table(("name", "count"), []) == "| name | count |\n| ---: | ---: |"
    write_table(("name", "count"), [])
    assert "count" in capsys.readouterr().out


def test_table_holds_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name", "count"), [("left", "12"), ("right", "3")], title="things")
    out = capsys.readouterr().out
    assert all(cell in out for cell in ("things", "name", "count", "left", "12", "right", "3"))


def test_names_are_whole_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    name = "a_long_model.its_data_set"
    write_table(("weights", *"abc"), [(name, "of several words", "12345678", "and more of them")])
    assert name in capsys.readouterr().out


def test_fields_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    write_fields([("a", "1"), ("long", "2")])
    assert capsys.readouterr().out == "a     1\nlong  2\n"


def test_json_round_trips(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": "Käfer", "count": 3})
    out = capsys.readouterr().out
    assert "Käfer" in out
    assert json.loads(out) == {"name": "Käfer", "count": 3}


def test_millions() -> None:
    assert millions(53_240_000) == "53.24M"
    assert millions(1_499) == "0.00M"


def test_a_figure_that_cannot_be_written_is_a_setting(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    write_figure(Figure(), tmp_path / "new" / "figure.png")
    assert (tmp_path / "new" / "figure.png").read_bytes().startswith(b"\x89PNG")
    for path in (tmp_path, Path(), tmp_path / "new" / "figure.png" / "figure.png"):
        with pytest.raises(SettingError, match=r"cannot be written \(.*choose another place"):
            write_figure(Figure(), path)


def test_pixels_are_written_as_they_are(tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    write_pixels(pixels, tmp_path / "new" / "pixels.png")
    with Image.open(tmp_path / "new" / "pixels.png") as opened:
        np.testing.assert_array_equal(np.asarray(opened), pixels.permute(1, 2, 0))
    with pytest.raises(SettingError, match="cannot be written"):
        write_pixels(pixels, tmp_path / "new" / "pixels.png" / "pixels.png")


def test_a_picture_is_what_its_name_says(tmp_path: Path) -> None:
    check_png(tmp_path / "new" / "picture.PNG")
    for path, said in ((tmp_path, "is a folder; name the picture"), (Path("a.jpg"), "a.jpg must end in .png")):
        with pytest.raises(SettingError, match=said):
            check_png(path)
