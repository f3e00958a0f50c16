"""Folders: listed in order, links followed once, nothing but plain files read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from data_fakes import write_files

from cifarzoo.data.readers import files
from cifarzoo.errors import CifarZooError, DataError


def test_folder_lists_plain_files_sorted_and_reads_them(tmp_path: Path) -> None:
    write_files(tmp_path, {"b/2.txt": b"two", "a/1.txt": b"one", "3.txt": b"three", ".hidden/x": b"", "a/.y": b""})
    folder = files.Folder(tmp_path)
    assert folder.names == ["3.txt", "a/1.txt", "b/2.txt"]
    assert [folder.read(name) for name in folder.names] == [b"three", b"one", b"two"]
    assert "a/1.txt" in folder
    assert "a/2.txt" not in folder


def test_only_the_named_parts_count_at_the_top(tmp_path: Path) -> None:
    write_files(tmp_path, {"train/train/x": b"", "test/x": b"", "train.txt": b"", "list": b""})
    assert files.Folder(tmp_path, ("train", "list")).names == ["list", "train/train/x"]


def test_links_are_followed_but_no_folder_is_entered_twice(tmp_path: Path) -> None:
    write_files(tmp_path, {"real/x": b"1"})
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "set")
    assert files.Folder(tmp_path / "set").names == ["linked/x"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_file_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert files.Folder(tmp_path).names == []
    with pytest.raises(DataError, match="pipe is missing"):
        files.read_file(tmp_path / "pipe")


def test_limits_on_number_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {f"{number}": b"12345" for number in range(4)})
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 4)
    with pytest.raises(DataError, match="larger than the limit of 4 bytes"):
        files.read_file(tmp_path / "0")
    monkeypatch.setattr(files, "MAX_FILES", 3)
    with pytest.raises(DataError, match="more than the limit of 3 files"):
        files.Folder(tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/../x", "/x", "a\\..\\x", "\\x", "C:\\x", "c:x", "a\0b"])
def test_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(CifarZooError, match="leads out"):
        files.check_name(name, Path("archive.zip"))


@pytest.mark.parametrize("name", ["x", "a/b/c.png", "a..b/..c/d..", "...", "ü/ß.png"])
def test_other_names_are_legal(name: str) -> None:
    files.check_name(name, Path("archive.zip"))


def test_stamp_changes_with_any_change_and_only_then(tmp_path: Path) -> None:
    write_files(tmp_path / "set", {"a/x": b"1", "b/y": b"2"})
    stamps = [files.stamp(tmp_path / "set")]
    assert files.stamp(tmp_path / "set") == stamps[0]
    os.utime(tmp_path / "set" / "a" / "x", ns=(1, 1))
    stamps.append(files.stamp(tmp_path / "set"))
    (tmp_path / "set" / "a" / "x").write_bytes(b"12")
    os.utime(tmp_path / "set" / "a" / "x", ns=(1, 1))
    stamps.append(files.stamp(tmp_path / "set"))
    write_files(tmp_path / "set", {"b/z": b""})
    stamps.append(files.stamp(tmp_path / "set"))
    (tmp_path / "set").rename(tmp_path / "moved")
    stamps.append(files.stamp(tmp_path / "moved"))
    assert len({str(stamp) for stamp in stamps}) == len(stamps)


def test_stamp_is_the_same_by_any_way_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "set", {"a/x": b"1", "y": b"2"})
    (tmp_path / "link").symlink_to("set")
    wanted = files.stamp(tmp_path / "set")
    assert sorted(entry[0] for entry in wanted[1:]) == ["a/x", "y"]
    assert files.stamp(tmp_path / "link") == wanted
    monkeypatch.chdir(tmp_path)
    assert files.stamp(Path("set")) == wanted
    monkeypatch.chdir(tmp_path / "set")
    assert files.stamp(Path()) == wanted


def test_what_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    for call in (files.stamp, files.Folder, files.read_file):
        with pytest.raises(DataError):
            call(tmp_path / "nothing")
