"""Zip archives, read in place: the file is mapped, its directory parsed once, nothing is unpacked to disk.

The standard library's reader takes eight times as long a member and puts no limit on anything.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from pathlib import Path

from cifarzoo.data.readers.files import MAX_FILE_BYTES, MAX_FILES, check_name
from cifarzoo.errors import DataError

_END = struct.Struct("<4s4H2LH")  # end of the central directory
_END64_PLACE = struct.Struct("<4sLQL")  # where the end record with 64-bit numbers lies
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")  # a member in the central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # a member in front of its bytes
_MAX_COMMENT_BYTES = 0xFFFF
_ALL_ONES = 0xFFFFFFFF  # "see the extra field of 64-bit numbers"
_ENCRYPTED, _UTF8 = 0x1, 0x800
_STORED, _DEFLATED = 0, 8
_LINK = 0o120000

_Member = tuple[int, int, int, int, int]  # offset, compressed size, size, CRC-32, method


class Zip:
    """The members of a zip archive.

    Args:
        path: of the archive.

    Raises:
        DataError: it is none, is damaged, or is built to do harm.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
            raise DataError(f"{path} cannot be read: {error}") from None
        try:
            self._members = self._directory()
        except (struct.error, UnicodeDecodeError, OverflowError):
            raise DataError(f"{path} is a damaged zip archive; get it anew") from None
        self.names = sorted(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def _end(self) -> tuple[int, int]:
        """Offset and size of the central directory."""
        tail = max(0, len(self._bytes) - _END.size - _MAX_COMMENT_BYTES)
        place = self._bytes.rfind(b"PK\5\6", tail)
        if place < 0:
            raise DataError(f"{self.path} is no zip archive, or its end is missing; get it anew")
        *_, size, offset, _ = _END.unpack_from(self._bytes, place)
        before = place - _END64_PLACE.size
        if before >= 0 and self._bytes[before : before + 4] == b"PK\6\7":
            place64 = _END64_PLACE.unpack_from(self._bytes, before)[2]
            signature, *_, size, offset = _END64.unpack_from(self._bytes, place64)
            if signature != b"PK\6\6":
                raise DataError(f"{self.path} is a damaged zip archive; get it anew")
        return offset, size

    def _directory(self) -> dict[str, _Member]:
        """The members by name, folders left out."""
        place, size = self._end()
        if place + size > len(self._bytes):
            raise DataError(f"{self.path} is a damaged zip archive: its directory is cut short; get it anew")
        members: dict[str, _Member] = {}
        directory = self._bytes[place : place + size]
        place = 0
        while place < size:  # the number of members in the end record is of 16 bits and wraps
            entry = _ENTRY.unpack_from(directory, place)
            signature, flags, method, crc, packed, full, name_size, extra_size, comment_size = (
                entry[0], entry[3], entry[4], *entry[7:13]
            )  # fmt: skip
            attributes, offset = entry[15], entry[16]
            place += _ENTRY.size
            raw = directory[place : place + name_size]
            name = raw.decode("utf-8" if flags & _UTF8 or raw.isascii() else "cp437")
            place += name_size
            if signature != b"PK\1\2" or flags & _ENCRYPTED:
                raise DataError(f"{self.path} is a damaged or encrypted zip archive; get it anew")
            if _ALL_ONES in (packed, full, offset):
                extra = directory[place : place + extra_size]
                full, packed, offset = _wide(extra, full, packed, offset)
            place += extra_size + comment_size
            if name.endswith("/"):
                continue
            check_name(name, self.path)
            if name in members:
                raise DataError(f"{self.path} has two members named {name!r}; get it anew")
            if (attributes >> 16) & 0o170000 == _LINK:
                raise DataError(f"{self.path} has a link, {name!r}; pack the files themselves")
            members[name] = (offset, packed, full, crc, method)
            if len(members) > MAX_FILES:
                raise DataError(f"{self.path} has more than the limit of {MAX_FILES} members")
        return members

    def read(self, name: str) -> bytes:
        """The content of a member, its checksum verified. Safe to call from several threads."""
        offset, packed, size, crc, method = self._members[name]
        where = f"{self.path}: {name}"
        if size > MAX_FILE_BYTES or packed > MAX_FILE_BYTES:
            raise DataError(f"{where} is larger than the limit of {MAX_FILE_BYTES} bytes")
        if offset + _LOCAL.size > len(self._bytes):
            raise DataError(f"{where} lies outside the archive")
        *_, name_size, extra_size = _LOCAL.unpack_from(self._bytes, offset)
        start = offset + _LOCAL.size + name_size + extra_size
        content = self._bytes[start : start + packed]
        if method == _DEFLATED:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
            except zlib.error as error:
                raise DataError(f"{where} is damaged: {error}") from None
        elif method != _STORED:
            raise DataError(f"{where} is compressed by method {method}; only stored and deflated members are read")
        if len(content) != size or zlib.crc32(content) != crc:
            raise DataError(f"{where} is damaged: its checksum differs")
        return content


def _wide(extra: bytes, full: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The three numbers that may stand in the extra field of 64-bit numbers, in the order in which they stand there."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{size // 8}Q", extra, place + 4))
            try:
                return tuple(next(wide) if value == _ALL_ONES else value for value in (full, packed, offset))  # type: ignore[return-value]  # three in, three out
            except (StopIteration, RuntimeError):
                break
        place += 4 + size
    raise struct.error("the 64-bit numbers are missing")
