"""Cache files: what is written is read back, mapped; what is missing or altered is noticed."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
import torch
from data_fakes import pixels
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data import cache
from cifarzoo.data.measure import fingerprint
from cifarzoo.errors import DataError, IntegrityError
from cifarzoo.files import locked, replacing

IMAGES = torch.from_numpy(pixels(5, 8))
TARGETS = np.array([0, 1, 1, 0, 1])
HEADER: dict[str, Any] = {
    "shape": list(IMAGES.shape),
    "classes": ["a", "ü"],
    "class_names": ["A", "Ü"],
    "fingerprint": fingerprint(IMAGES, torch.from_numpy(TARGETS), ["a", "ü"]),
    "skipped": 2,
    "mean": [0.1, 0.2, 0.3],
    "std": [],
}


def write(path: Path, header: dict[str, Any] = HEADER) -> Path:
    with replacing(path) as file:
        file.write(IMAGES.numpy().tobytes())
        cache.write_tail(file, {"targets": TARGETS, "coarse": TARGETS * 7}, header)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / f"set-train-0123{cache.SUFFIX}")


def test_round_trip(file: Path) -> None:
    arrays = cache.read(file)
    assert torch.equal(arrays.images, IMAGES)
    assert torch.equal(arrays.targets, torch.from_numpy(TARGETS))
    assert arrays.columns.keys() == {"coarse"}
    assert torch.equal(arrays.columns["coarse"], torch.from_numpy(TARGETS * 7))
    assert (arrays.classes, arrays.class_names) == (("a", "ü"), ("A", "Ü"))
    assert (arrays.skipped, arrays.mean, arrays.std, arrays.file) == (2, (0.1, 0.2, 0.3), (), file)
    cache.verify(file)


def test_the_images_are_mapped_and_not_read(file: Path) -> None:
    """A change of the file shows in images that are open: they are the file's own pages."""
    arrays = cache.read(file)
    with file.open("r+b") as opened:
        opened.write(bytes([200]))
    assert arrays.images.view(-1)[0] == 200


def test_a_file_that_was_replaced_stays_readable(file: Path) -> None:
    arrays = cache.read(file)
    file.unlink()
    assert torch.equal(arrays.images, IMAGES)


def test_every_truncation_and_every_addition_is_noticed(file: Path) -> None:
    content = file.read_bytes()
    for size in range(0, len(content), 7):
        file.write_bytes(content[:size])
        with pytest.raises(IntegrityError):
            cache.read(file)
    file.write_bytes(content + b"\0")
    with pytest.raises(IntegrityError):
        cache.read(file)


@given(st.data())
def test_every_altered_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    file = write(tmp_path_factory.mktemp("cache") / "a.images")
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    with pytest.raises(IntegrityError):
        cache.verify(file)
    if place >= IMAGES.numel():  # all but the pixels is checked whenever it is opened
        with pytest.raises(IntegrityError):
            cache.read(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("cache") / "a.images"
    for end in (b"", content[-48:].ljust(40, b"\0") + b"CIFARZOO"):
        file.write_bytes(content + end)
        with pytest.raises(DataError):
            cache.read(file)


def test_another_version_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "VERSION", 999)
    with pytest.raises(IntegrityError, match=r"of version \d, not 999"):
        cache.read(file)


@pytest.mark.parametrize("field", sorted(HEADER))
@pytest.mark.parametrize("value", [None, "x", 3])
def test_a_header_of_another_program(tmp_path: Path, field: str, value: object) -> None:
    header = {**HEADER, field: value}
    if value is None:
        del header[field]
    file = write(tmp_path / "a.images", header)
    if value is None or field == "shape":
        with pytest.raises(IntegrityError):
            cache.read(file)
    else:
        with contextlib.suppress(IntegrityError):
            cache.read(file)


@pytest.mark.parametrize("text", [b"[]", b"3", b"", b"{", b"[" * 100_000, b'{"version": 2, "shape": [Infinity]}'])
def test_a_header_of_another_form(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "a.images"
    file.write_bytes(text + cache._TAIL.pack(hashlib.sha256(text).digest(), len(text), cache._MAGIC))
    with pytest.raises(IntegrityError, match="delete it"):
        cache.read(file)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.folder(None) is None
    assert cache.folder(tmp_path) == cache.folder(str(tmp_path)) == tmp_path
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "named"))
    assert cache.folder("auto") == tmp_path / "named"
    monkeypatch.delenv("CIFARZOO_CACHE")
    assert cache.folder("auto") == platformdirs.user_cache_path("cifarzoo")


def test_list_and_clear(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a-train-1.images"), write(tmp_path / "b-train-2.images")
    left_over = tmp_path / ".a-train-1.images.0123.partial"
    left_over.write_bytes(b"")
    at_work = tmp_path / ".a-train-9.images.4567.partial"
    at_work.write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    assert cache.files(tmp_path) == [first, second]
    with locked(tmp_path / "a-train-9.images"):  # by whoever writes it
        assert cache.clear(tmp_path, "a-*") == [first]
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"} == {
        "b-train-2.images",
        "notes.txt",
        at_work.name,
    }
    assert cache.clear(tmp_path) == [second]
    assert not at_work.exists()
    assert cache.files(tmp_path) == cache.clear(tmp_path) == cache.clear(None) == cache.files(None) == []
