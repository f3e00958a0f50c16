"""Any picture becomes the batch that weights expect, whatever it comes as."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifarzoo.data.readers.picture import resize_into
from cifarzoo.errors import SettingError
from cifarzoo.weights import Card, Transform, save_weights, search, transform

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
PLAIN = Transform(size_px=8, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
A_LEVEL = 1 / 255


def picture(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)


def test_pixels_of_the_right_size_are_normalised_and_no_more() -> None:
    images = torch.from_numpy(picture(8, 8)).permute(2, 0, 1)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, STD))
    found = Transform(size_px=8, mean=MEAN, std=STD)(images)
    torch.testing.assert_close(found, ((images / 255 - mean) / std)[None])


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_all_kinds_of_the_same_picture_agree(height: int, width: int) -> None:
    array = picture(height, width)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    wanted = PLAIN(tensor)
    assert wanted.shape == (1, 3, 8, 8)
    for same in (array, tensor[None], tensor[None].numpy(), [array], [tensor]):
        assert torch.equal(PLAIN(same), wanted)
    square = array[: min(height, width), : min(height, width)]  # Pillow looks a little beyond the box that it resizes
    assert (PLAIN(Image.fromarray(square)) - PLAIN(square)).abs().max() <= 1.01 * A_LEVEL  # it rounds in each direction


def test_the_middle_square_is_taken() -> None:
    wide = torch.zeros(3, 8, 24, dtype=torch.uint8)
    wide[..., 8:16] = 255
    assert torch.equal(PLAIN(wide), torch.ones(1, 3, 8, 8))
    assert torch.equal(PLAIN(wide.mT), torch.ones(1, 3, 8, 8))


def test_a_list_may_hold_all_sizes_and_kinds() -> None:
    pictures = [
        picture(9, 30),
        Image.fromarray(picture(8, 8, seed=1)),
        torch.from_numpy(picture(20, 8)).permute(2, 0, 1),
    ]
    found = PLAIN(pictures)
    assert torch.equal(found, torch.cat([PLAIN(one) for one in pictures]))
    assert PLAIN([]).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_any_mode(mode: str) -> None:
    assert PLAIN(Image.new(mode, (11, 9))).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    "mode, side, fault",
    [
        ("F", 9, "holds floats; save it with 8 or 16 bits"),
        ("La", 9, "is of mode 'La', which Pillow does not convert; save it as RGB"),
        ("RGB", 0, "has no pixels"),
    ],
)
def test_pictures_that_cannot_be_had_in_bytes_are_refused(mode: str, side: int, fault: str) -> None:
    with pytest.raises(SettingError, match=f"the PIL image {fault}"):
        PLAIN(Image.new(mode, (11, side)))


def test_a_picture_of_32_bits_may_hold_bytes() -> None:
    grey = Image.fromarray(picture(8, 8)[:, :, 0])
    assert torch.equal(PLAIN(grey.convert("I")), PLAIN(grey))


def test_a_turned_picture_is_set_upright(tmp_path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 3
    Image.fromarray(picture(8, 8)).save(tmp_path / "a.png", exif=turned)
    with Image.open(tmp_path / "a.png") as image:
        assert torch.equal(PLAIN(image), PLAIN(picture(8, 8)).flip(2, 3))


def test_a_file_read_for_a_data_set_gives_the_same(tmp_path) -> None:
    Image.fromarray(picture(30, 21)).save(tmp_path / "a.png")
    out = np.empty((8, 8, 3), dtype=np.uint8)
    resize_into((tmp_path / "a.png").read_bytes(), out)
    with Image.open(tmp_path / "a.png") as image:
        assert torch.equal(PLAIN(image), PLAIN(out))


def test_grey_arrays_and_read_only_and_mirrored_ones() -> None:
    grey = picture(8, 8)[:, :, 0]
    assert torch.equal(PLAIN(grey), PLAIN(np.repeat(grey[:, :, None], 3, axis=2)))
    fixed = picture(8, 8)
    fixed.setflags(write=False)
    assert torch.equal(PLAIN(fixed), PLAIN(picture(8, 8)))
    assert torch.equal(PLAIN(fixed[:, ::-1]), PLAIN(picture(8, 8)).flip(3))


def test_weights_of_grey_pictures() -> None:
    grey = Transform(size_px=8, mean=(0.0,), std=(1.0,))
    of_pillow = grey(Image.fromarray(picture(8, 8)))
    assert of_pillow.shape == (1, 1, 8, 8)
    assert torch.equal(grey(picture(8, 8)), of_pillow)
    with pytest.raises(SettingError, match="images have 2 channels, the weights take 1"):
        grey(torch.zeros(2, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize(
    "images",
    [
        torch.rand(3, 8, 8),
        torch.zeros(8, 8, dtype=torch.uint8),
        torch.zeros(1, 1, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 0, 8, dtype=torch.uint8),
        np.zeros((8, 8, 3), dtype=np.float64),
        np.zeros(5, dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((4, 0), dtype=np.uint8),
        "picture.png",
        None,
    ],
)
def test_anything_else_is_refused(images: object) -> None:
    with pytest.raises(SettingError, match="uint8"):
        PLAIN(images)  # type: ignore[arg-type]


def test_by_name(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PACKAGE", tmp_path)
    card = Card(arch="net", tag="toys", num_classes=2, mean=list(MEAN), std=list(STD), input_size=12)
    save_weights({}, card, tmp_path / "net.toys.safetensors")
    assert transform("net.toys") == transform("net") == Transform(size_px=12, mean=MEAN, std=STD)
    save_weights({}, Card(arch="net", tag="toys", num_classes=2), tmp_path / "net.toys.safetensors")
    with pytest.raises(SettingError, match="names no input_size"):
        transform("net")
    with pytest.raises(SettingError, match="no mean and std"):
        Transform.of(Card(arch="net", num_classes=2), size_px=3)
