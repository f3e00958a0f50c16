"""Contents: rows decoded in their places, failures named and the rest decoded all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_fakes import encode, pillow, pixels, write_files

from cifarzoo.data.contents import EncodedPixels, RawPixels, encoded_files
from cifarzoo.data.readers.files import Folder
from cifarzoo.errors import DataError

IMAGES = pixels(200, 16)


@pytest.mark.parametrize(("first", "count"), [(0, 200), (37, 100), (199, 1), (64, 64)])
def test_rows_land_in_their_places(first: int, count: int) -> None:
    encoded = [encode(image, "PNG") for image in IMAGES]
    for source in (RawPixels(IMAGES), EncodedPixels(read=lambda row: encoded[row], name=str)):
        out = np.zeros((count, 3, 16, 16), dtype=np.uint8)
        assert source.fill(first, out) == []
        np.testing.assert_array_equal(out, IMAGES[first : first + count])


def test_failures_are_named_and_do_not_stop_the_others(tmp_path: Path) -> None:
    members = {f"{number}.jpg": encode(image) for number, image in enumerate(IMAGES[:4])}
    write_files(tmp_path, {**members, "1.jpg": b"no picture"})
    source = encoded_files(Folder(tmp_path), ["0.jpg", "1.jpg", "missing.jpg", "3.jpg"])
    out = np.zeros((4, 3, 16, 16), dtype=np.uint8)
    (first, no_picture), (second, missing) = source.fill(0, out)
    assert (first, second) == (1, 2)
    assert no_picture.startswith(f"{tmp_path}: 1.jpg is no picture")
    assert missing == f"{tmp_path / 'missing.jpg'} is missing"
    for row in (0, 3):
        np.testing.assert_array_equal(out[row], pillow(members[f"{row}.jpg"]))


def test_only_our_errors_are_failures() -> None:
    def broken(row: int) -> bytes:
        raise RuntimeError("a defect of the program")

    with pytest.raises(RuntimeError, match="a defect"):
        EncodedPixels(read=broken, name=str).fill(0, np.zeros((1, 3, 4, 4), dtype=np.uint8))


def test_another_decoder() -> None:
    def decode(content: bytes, out: np.ndarray) -> None:
        if content == b"bad":
            raise DataError("is bad")
        out[:] = len(content)

    source = EncodedPixels(read=lambda row: [b"", b"bad", b"xx"][row], name=lambda row: f"row {row}", decode=decode)
    out = np.zeros((3, 3, 2, 2), dtype=np.uint8)
    assert source.fill(0, out) == [(1, "row 1 is bad")]
    assert out[2].min() == out[2].max() == 2
