"""Files under one roof: a folder or a zip archive, listed and read the same way."""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cifarzoo.errors import DataError

MAX_MEMBERS = 1_000_000
MAX_MEMBER_BYTES = 256 << 20
_LOCAL_HEADER_BYTES = 30


class Files(Protocol):
    """Named files."""

    @property
    def path(self) -> Path:
        """Of the folder or archive."""

    @property
    def names(self) -> Sequence[str]:
        """Relative, with forward slashes."""

    def read(self, name: str) -> bytes:
        """The content of one of them."""


class Folder:
    """The files below a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())

    def read(self, name: str) -> bytes:
        """The content of a file."""
        try:
            with (self.path / name).open("rb") as file:
                content = file.read(MAX_MEMBER_BYTES + 1)
        except OSError as error:
            raise DataError(f"{self.path / name} cannot be read: {error.strerror}") from None
        if len(content) > MAX_MEMBER_BYTES:
            raise DataError(f"{self.path / name} is larger than {MAX_MEMBER_BYTES} bytes")
        return content


class Zip:
    """The members of a zip archive, mapped: nothing is unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
            with path.open("rb") as file:
                self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError) as error:
            raise DataError(f"{path} is no zip archive, or a damaged one: {error}") from None
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from None
        self.names = sorted(self._members)

    def read(self, name: str) -> bytes:
        """The content of a member, its checksum verified. Safe to call from several threads."""
        member = self._members[name]
        where = f"{self.path}: {name}"
        if member.file_size > MAX_MEMBER_BYTES:
            raise DataError(f"{where} is larger than {MAX_MEMBER_BYTES} bytes")
        try:
            name_bytes, extra_bytes = struct.unpack_from("<HH", self._content, member.header_offset + 26)
        except struct.error:
            raise DataError(f"{where} lies outside the archive") from None
        start = member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes
        content = self._content[start : start + member.compress_size]
        if member.compress_type == zipfile.ZIP_DEFLATED:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, member.file_size + 1)
            except zlib.error as error:
                raise DataError(f"{where} is damaged: {error}") from None
        elif member.compress_type != zipfile.ZIP_STORED:
            raise DataError(
                f"{where} is compressed by method {member.compress_type}; only stored and deflated are read"
            )
        if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
            raise DataError(f"{where} is damaged: its checksum differs")
        return content


def open_files(path: Path) -> Files:
    """The files of a folder or of an archive."""
    return Folder(path) if path.is_dir() else Zip(path)


def stamp(path: Path) -> list[object]:
    """What tells one state of a file or folder from another: paths, sizes and times of change."""
    if not path.is_dir():
        state = path.stat()
        return [str(path.resolve()), state.st_size, state.st_mtime_ns]
    entries: list[object] = [str(path.resolve())]
    pending = [path]
    while pending:
        with os.scandir(pending.pop()) as scan:
            found = sorted(scan, key=lambda entry: entry.name)
        for entry in found:
            if entry.is_dir():
                pending.append(Path(entry.path))
            else:
                state = entry.stat()
                entries.append([entry.path, state.st_size, state.st_mtime_ns])
    return entries
