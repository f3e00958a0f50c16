"""Normalised images: close to the definition, and the same bits however a batch is split or laid out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo import normalizer
from cifarzoo.errors import SettingError
from cifarzoo.normalizer import Normalizer

CPU = torch.device("cpu")
LAYOUTS = [torch.contiguous_format, torch.channels_last]
layouts = st.sampled_from(LAYOUTS)


def numbers(channels):
    return [0.1 + 0.15 * c for c in range(channels)], [0.2 + 0.05 * c for c in range(channels)]


def pixels(count, channels, height, width, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(count * channels + height * width)
    images = torch.randint(256, (count, channels, height, width), dtype=torch.uint8, generator=generator)
    return images.contiguous(memory_format=layout)


def normalized(images, layout=torch.contiguous_format, dtype=torch.float32):
    mean, std = numbers(images.shape[1])
    out = torch.empty(images.shape, dtype=dtype, memory_format=layout)
    Normalizer(mean, std, device=CPU, memory_format=layout)(images, out)
    return out


@given(st.integers(1, 20), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), layouts, layouts, st.data())
def test_law(count, channels, height, width, source, target, data):
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]))
    images = pixels(count, channels, height, width, source)
    mean, std = (torch.tensor(x, dtype=torch.float64).view(1, -1, 1, 1) for x in numbers(channels))
    exact = (images.double() / 255 - mean) / std
    close = 2e-6 if dtype in (torch.float32, torch.float64) else torch.finfo(dtype).eps
    torch.testing.assert_close(normalized(images, target, dtype).double(), exact, rtol=close, atol=close)


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), layouts, st.integers(1, 2000))
def test_neither_layout_nor_pieces_change_a_bit(count, channels, height, width, layout, piece_bytes):
    images = pixels(count, channels, height, width)
    one_by_one = torch.cat([normalized(image) for image in images.split(1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalizer, "_PIECE_BYTES", piece_bytes)
        assert torch.equal(normalized(images, layout), one_by_one)
        assert torch.equal(normalized(images, layout, torch.bfloat16), one_by_one.bfloat16())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_normalizer_serves_any_size(layout):
    mean, std = numbers(3)
    shared = Normalizer(mean, std, device=CPU, memory_format=layout)
    for size in (4, 6, 4, 5):
        images = pixels(7, 3, size, size)
        out = torch.empty(images.shape, memory_format=layout)
        shared(images, out)
        assert torch.equal(out, normalized(images))


def test_the_input_is_left_unchanged():
    images = pixels(5, 3, 4, 4)
    before = images.clone()
    normalized(images)
    assert torch.equal(images, before)


def test_floats_are_refused():
    with pytest.raises(SettingError, match=r"images are torch\.float32, not uint8"):
        normalized(torch.rand(2, 3, 4, 4))
