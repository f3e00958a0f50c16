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
@given(mode=st.sampled_from(MODES), width=st.integers(1, 80), height=st.integers(1, 80), size=st.sampled_from([32, 64]))
def test_any_mode_and_size_becomes_a_square_of_rgb(
    tmp_path: Path, mode: str, width: int, height: int, size: int
) -> None:
    path = tmp_path / "picture.png"
    if mode == "I;16":
        Image.fromarray(np.full((height, width), 200 * 257, dtype=np.uint16)).save(path)
    else:
        Image.new("L", (width, height), 200).convert(mode, dither=Image.Dither.NONE).save(path)
    pixels = read_picture(path, size)
    assert pixels.shape == (3, size, size)
    assert pixels.dtype == torch.uint8
    assert pixels.eq(255 if mode == "1" else 200).all()


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
    assert np.array_equal(read_picture(path, 8).numpy(), upright.transpose(2, 0, 1))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    Image.new("CMYK", (12, 9), (0, 255, 255, 0)).save(path)
    red, green, blue = read_picture(path, 32).float().mean((1, 2))
    assert red > 200 > 60 > max(green, blue)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_anything_else_is_a_data_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(DataError, match=r"picture\.png"):
        read_picture(path, 32)


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.png cannot be read"):
        read_picture(tmp_path / "missing.png", 32)
    with pytest.raises(DataError, match="cannot be read"):
        read_picture(tmp_path, 32)
