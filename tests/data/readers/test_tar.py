"""Compressed tar archives: the wanted members are read into memory; what is damaged or hostile is refused."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
from pathlib import Path

import pytest
from data_fakes import gzip_bomb, peak_bytes, write_tar
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data.readers import tar
from cifarzoo.data.readers.tar import Tar
from cifarzoo.errors import CifarZooError, DataError

MEMBERS = {"set/a.bin": bytes(range(256)) * 100, "set/b.bin": b"b", "set/notes.html": b"<html>"}


def with_member(path: Path, **attributes: object) -> Path:
    info = tarfile.TarInfo("set/a.bin")
    for name, value in attributes.items():
        setattr(info, name, value)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def test_reads_the_wanted_members_only(tmp_path: Path) -> None:
    archive = Tar(write_tar(tmp_path / "a.tar.gz", MEMBERS), {"a.bin", "b.bin", "c.bin"})
    assert archive.names == ["set/a.bin", "set/b.bin"]
    assert {name: archive.read(name) for name in archive.names} == {k: v for k, v in MEMBERS.items() if "bin" in k}
    assert "set/b.bin" in archive
    assert "set/notes.html" not in archive


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(DataError, match="no plain file"):
        Tar(with_member(tmp_path / "a.tar.gz", type=kind, linkname="/etc/passwd"), {"a.bin"})


@pytest.mark.parametrize("name", ["../a.bin", "/a.bin", "x/../../a.bin"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out"):
        Tar(with_member(tmp_path / "a.tar.gz", name=name), {"a.bin"})


def test_duplicates_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a.bin"))
    with pytest.raises(DataError, match="twice"):
        Tar(tmp_path / "a.tar.gz", {"a.bin"})


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_MEMBERS", 3)
    with pytest.raises(DataError, match="over 3 members"):
        Tar(write_tar(tmp_path / "a.tar.gz", {f"{n}": b"" for n in range(4)}), set())
    monkeypatch.setattr(tar, "MAX_FILE_BYTES", 100)
    with pytest.raises(DataError, match="larger than the limit of 100 bytes"):
        Tar(with_member(tmp_path / "a.tar.gz", size=101), {"a.bin"})


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_BYTES", 1 << 20)
    path = gzip_bomb(tmp_path / "a.tar.gz", 20 << 20)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match="expands to more than the limit"):
        Tar(path, {"data_batch_1.bin"})
    assert peak_bytes(lambda: Tar(path, {"data_batch_1.bin"})) < 4 << 20


def test_a_header_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    """A pax header of 8 GB: the archive ends long before, and no memory is set aside for it."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8 << 30
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header.tobuf() + bytes(2048)))
    with pytest.raises(DataError):
        Tar(tmp_path / "a.tar.gz", {"a.bin"})
    assert peak_bytes(lambda: Tar(tmp_path / "a.tar.gz", {"a.bin"})) < 1 << 20


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    content = write_tar(tmp_path / "a.tar.gz", MEMBERS).read_bytes()
    for size in range(0, len(content) - 1, 29):
        (tmp_path / "b.tar.gz").write_bytes(content[:size])
        with pytest.raises(DataError):
            Tar(tmp_path / "b.tar.gz", {"a.bin"})


@given(st.binary(max_size=2000), st.booleans())
def test_any_bytes_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, compressed: bool
) -> None:
    path = tmp_path_factory.mktemp("tar") / "a.tar.gz"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with contextlib.suppress(CifarZooError):
        Tar(path, {"a.bin"})


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_of_headers(tmp_path: Path, kind: bytes) -> None:
    """tarfile calls itself for each."""
    header = tarfile.TarInfo("header")
    header.type = kind
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(5000 * header.tobuf()))
    with pytest.raises(DataError, match=r"no \.tar\.gz archive, or a damaged one"):
        Tar(tmp_path / "a.tar.gz", {"a.bin"})


@pytest.mark.parametrize(("kind", "count"), [(tarfile.XGLTYPE, 1), (tarfile.XHDTYPE, 100_000)])
def test_headers_that_would_fill_the_memory(tmp_path: Path, kind: bytes, count: int) -> None:
    text = b"".join(b"13 k%06d=v\n" % number for number in range(count))
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, len(text)
    blocks = header.tobuf() + text.ljust(-(-len(text) // 512) * 512, b"\0") + tarfile.TarInfo("a.bin").tobuf()
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(blocks + bytes(1024)))
    with pytest.raises(DataError, match="has headers for all members, or one of over 65536 bytes"):
        Tar(tmp_path / "a.tar.gz", {"a.bin"})
    assert peak_bytes(lambda: Tar(tmp_path / "a.tar.gz", {"a.bin"})) < 1 << 20


def test_a_long_name_and_the_owner_are_no_harm(tmp_path: Path) -> None:
    name = "folder/" * 50 + "a.bin"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=kind) as archive:
            info = tarfile.TarInfo(name)
            info.mtime, info.uname, info.size = 1.5, "\u00e4", 3
            archive.addfile(info, io.BytesIO(b"abc"))
        assert Tar(tmp_path / "a.tar.gz", {"a.bin"}).read(name) == b"abc"


def test_sparse_files_are_refused(tmp_path: Path) -> None:
    """A thousand of half a gigabyte each would fit into one megabyte."""
    holes = {"GNU.sparse.size": "400000000", "GNU.sparse.map": "399999999,1"}
    path = with_member(tmp_path / "a.tar.gz", size=1, pax_headers=holes)
    with pytest.raises(DataError, match="no plain file"):
        Tar(path, {"a.bin"})
    assert peak_bytes(lambda: Tar(path, {"a.bin"})) < 1 << 20


def test_folders_count_as_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_MEMBERS", 3)
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    for count, legal in ((3, True), (4, False)):
        (tmp_path / "a.tar.gz").write_bytes(gzip.compress(count * folder.tobuf() + bytes(1024)))
        with contextlib.nullcontext() if legal else pytest.raises(DataError, match="over 3 members"):
            assert Tar(tmp_path / "a.tar.gz", set()).names == []
