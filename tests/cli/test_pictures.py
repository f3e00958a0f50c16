"""A user's pictures: any size, any mode, turned the right way up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cifarzoo.cli.pictures import read_picture
from cifarzoo.errors import DataError

ORIENTATION = 0x0112  # the EXIF tag
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mode=st.sampled_from(MODES), width=st.integers(1, 80), height=st.integers(1, 80))
def test_any_mode_and_size_becomes_a_square_of_rgb(tmp_path: Path, mode: str, width: int, height: int) -> None:
    path = tmp_path / "picture.png"
    grey = np.linspace(0, 255, width * height).reshape(height, width)
    if mode == "I;16":
        Image.fromarray((grey * 257).astype(np.uint16)).save(path)
    else:
        Image.fromarray(grey.astype(np.uint8)).convert(mode).save(path)
    pixels = read_picture(path)
    side = min(width, height)
    assert pixels.shape == (3, side, side)
    assert pixels.dtype == torch.uint8
    if mode not in ("1", "P"):
        left, top = (width - side) // 2, (height - side) // 2
        wanted = grey[top : top + side, left : left + side].astype(np.uint8)
        assert np.array_equal(pixels.numpy(), np.stack([wanted] * 3))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_respected(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((8, 8, 3), dtype=np.uint8)
    upright[0, :4] = 255  # a bar at the top left: no turn or flip maps it onto itself
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda a: np.rot90(a, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    assert np.array_equal(read_picture(path).numpy(), upright.transpose(2, 0, 1))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    Image.new("CMYK", (12, 9), (0, 255, 255, 0)).save(path)
    red, green, blue = read_picture(path).float().mean((1, 2))
    assert red > 200 > 60 > max(green, blue)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGBA", (4, 4), (10, 20, 30, 0)).save(path)
    assert read_picture(path).eq(255).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_anything_else_is_a_data_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(DataError, match=r"picture\.png"):
        read_picture(path)


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(DataError, match="cannot be read"):
        read_picture(tmp_path)
