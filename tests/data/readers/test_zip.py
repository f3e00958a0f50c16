"""Zip archives: the standard library's reader is the oracle; what is damaged or hostile is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from data_fakes import peak_bytes, write_zip
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data.readers import zip as zip_reader
from cifarzoo.data.readers.zip import Zip
from cifarzoo.errors import CifarZooError, DataError

MEMBERS = {"set/a.txt": b"one" * 500, "set/b/ü.bin": bytes(range(256)) * 40, "set/empty": b"", "list": b"x"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_equals_the_standard_library(tmp_path: Path, method: int) -> None:
    path = write_zip(tmp_path / "a.zip", MEMBERS, method)
    archive = Zip(path)
    assert archive.names == sorted(MEMBERS)
    with zipfile.ZipFile(path) as oracle:
        assert {name: archive.read(name) for name in archive.names} == {name: oracle.read(name) for name in MEMBERS}
    assert "set/a.txt" in archive
    assert "set/" not in archive


def test_numbers_of_64_bits(tmp_path: Path) -> None:
    """As they are written to a pipe, where sizes are not known beforehand."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("last", "w", force_zip64=True) as member:
        member.write(b"content")
    assert Zip(path).read("last") == b"content"


@pytest.mark.parametrize("place", [1000, 2**63, 2**64 - 1])
def test_an_end_record_outside_of_the_archive(tmp_path: Path, place: int) -> None:
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, place, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "a.zip").write_bytes(locator + end)
    with pytest.raises(DataError, match="damaged zip archive"):
        Zip(tmp_path / "a.zip")


@pytest.mark.parametrize("wide_end", [True, False])
def test_more_members_than_16_bits_count(tmp_path: Path, wide_end: bool) -> None:
    """With the end record for that, and as old programs wrote it, the number wrapped."""
    count = 66_000
    directory = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"%05d" % number
        for number in range(count)
    )
    content = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 5, 0) + b"00000" + directory
    start, end = len(content) - len(directory), len(content)
    if wide_end:
        content += struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), start)
        content += struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    content += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count % 65536, count % 65536, len(directory), start, 0)
    (tmp_path / "a.zip").write_bytes(content)
    archive = Zip(tmp_path / "a.zip")
    assert archive.names == [f"{number:05d}" for number in range(count)]
    assert archive.read("00000") == b""


def test_wide_numbers_in_the_extra_field() -> None:
    extra = struct.pack("<HH", 0x5455, 1) + b"x" + struct.pack("<HHQQ", 1, 16, 2**33, 7)
    ones = 0xFFFFFFFF
    assert zip_reader._wide(extra, ones, 5, ones) == (2**33, 5, 7)
    with pytest.raises(struct.error):
        zip_reader._wide(extra, ones, ones, ones)


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "set/../../out"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out of the archive"):
        Zip(write_zip(tmp_path / "a.zip", {name: b""}))


def test_duplicate_members_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("twice", b"1")
        archive.writestr("twice", b"2")
    with pytest.raises(DataError, match="two members named 'twice'"):
        Zip(tmp_path / "a.zip")


def test_links_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="has a link"):
        Zip(tmp_path / "a.zip")


def test_a_member_that_expands_beyond_its_size_is_cut_off(tmp_path: Path) -> None:
    """A bomb that says it has 10 bytes: no more than 11 are ever made of it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_000_000))
    content = bytearray(buffer.getvalue())
    entry = content.rfind(b"PK\1\2")
    content[entry + 24 : entry + 28] = struct.pack("<L", 10)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip: bomb is damaged: its checksum differs"):
        Zip(tmp_path / "a.zip").read("bomb")
    assert peak_bytes(lambda: Zip(tmp_path / "a.zip").read("bomb")) < 100_000


def test_a_member_that_says_it_is_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", {"huge": b"x" * 100}).read_bytes())
    entry = content.rfind(b"PK\1\2")
    content[entry + 24 : entry + 28] = struct.pack("<L", 0xFFFFFFF0)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="larger than the limit"):
        Zip(tmp_path / "a.zip").read("huge")


def test_a_million_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_FILES", 3)
    assert len(Zip(write_zip(tmp_path / "a.zip", {f"{n}": b"" for n in range(3)})).names) == 3
    with pytest.raises(DataError, match="more than the limit of 3 members"):
        Zip(write_zip(tmp_path / "b.zip", {f"{n}": b"" for n in range(4)}))


def test_other_compression_and_encryption_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="compressed by method 12"):
        Zip(write_zip(tmp_path / "a.zip", {"x": b"1"}, zipfile.ZIP_BZIP2)).read("x")
    content = bytearray(write_zip(tmp_path / "b.zip", {"x": b"1"}).read_bytes())
    content[content.rfind(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        Zip(tmp_path / "b.zip")


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    content = write_zip(tmp_path / "a.zip", MEMBERS, zipfile.ZIP_STORED).read_bytes()
    path = tmp_path / "b.zip"
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        with pytest.raises(DataError):
            Zip(path)


@given(st.data())
def test_flipped_bits_are_noticed_or_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    content = bytearray(write_zip(path, MEMBERS, zipfile.ZIP_STORED).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        archive = Zip(path)
        read = {name: archive.read(name) for name in archive.names}
    except CifarZooError:
        return
    assert set(read.values()) <= set(MEMBERS.values())  # names have no checksum, contents have


@given(st.binary(max_size=400))
def test_any_bytes_load_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    for end in (b"", b"PK\5\6" + bytes(18), b"PK\5\6" + content[:18].ljust(18, b"\xff")):
        path.write_bytes(content + end)
        try:
            archive = Zip(path)
            for name in archive.names:
                archive.read(name)
        except CifarZooError:
            pass
