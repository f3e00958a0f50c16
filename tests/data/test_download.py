"""Downloads from a server on loopback that does everything wrong that a server can."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Handler, Server, serving

from cifarzoo.data import download
from cifarzoo.data.specs import Archive
from cifarzoo.errors import DownloadError

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSE_S", 0)
    with serving(CONTENT) as server:
        yield server


def archive(server: Server, **changes: Any) -> Archive:
    fields = {
        "name": "set.zip",
        "url": server.url("set.zip"),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
    }
    return Archive(**{**fields, **changes})


def assert_whole(folder: Path) -> None:
    assert (folder / "set.zip").read_bytes() == CONTENT
    assert not (folder / "set.zip.part").exists()


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        assert download.fetch(archive(server), tmp_path / "new") == tmp_path / "new" / "set.zip"
        assert_whole(tmp_path / "new")
    assert server.requests == [None]


def test_a_file_that_is_there_is_not_vouched_for_unread(server: Server, tmp_path: Path) -> None:
    for content in (CONTENT[:-1], bytes(len(CONTENT))):
        (tmp_path / "set.zip").write_bytes(content)
        with pytest.raises(DownloadError, match=r"set\.zip is there, but is not the file of http.*delete it"):
            download.fetch(archive(server), tmp_path)
        assert (tmp_path / "set.zip").read_bytes() == content
    assert server.requests == []


@pytest.mark.parametrize("cut_after", [0, 1, 99_999])
def test_a_cut_connection_is_resumed(server: Server, tmp_path: Path, cut_after: int) -> None:
    server.fault = lambda handler, number: handler.give(cut_after=cut_after if number < 3 else None)
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)
    offsets = [None if not (k * cut_after) else f"bytes={k * cut_after}-" for k in range(len(server.requests))]
    assert server.requests == offsets


def test_a_part_of_an_earlier_process_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:123_456])
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)
    assert server.requests == ["bytes=123456-"]


def test_a_whole_part_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)
    assert server.requests == []


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_wrong_part_is_begun_anew(server: Server, tmp_path: Path, part: bytes) -> None:
    (tmp_path / "set.zip.part").write_bytes(part)
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, number: handler.give(ranges=False, cut_after=1000 if number == 0 else None)
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)
    assert server.requests == [None, "bytes=1000-"]


def test_a_server_that_gives_another_range(server: Server, tmp_path: Path) -> None:
    def fault(handler: Handler, number: int) -> None:
        if number == 0:
            handler.give(cut_after=1000)
            return
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.fault = fault
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)


def test_a_server_that_stalls(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.1)
    over = threading.Event()

    server.fault = lambda handler, number: handler.give() if number > 0 else handler.stall(5000, over)
    download.fetch(archive(server), tmp_path)
    over.set()
    assert_whole(tmp_path)
    assert server.requests == [None, "bytes=5000-"]


def test_a_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, _: handler.give(bytes(len(CONTENT)))
    with pytest.raises(DownloadError, match=rf"gives SHA-256 [0-9a-f]{{64}}, {len(CONTENT)} bytes, not "):
        download.fetch(archive(server), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
    assert len(server.requests) == 1


def test_a_file_that_is_too_long_is_not_read_to_its_end(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, _: handler.give(CONTENT + bytes(5_000_000))
    with pytest.raises(DownloadError, match=rf"{len(CONTENT) + 1} bytes, not "):
        download.fetch(archive(server), tmp_path)


def test_an_error_page_is_not_taken_for_the_file(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, _: handler.give(b"<html>please log in</html>", ranges=False)
    with pytest.raises(DownloadError, match="cannot be fetched"):
        download.fetch(archive(server), tmp_path)
    assert not (tmp_path / "set.zip").exists()


def test_404_is_final(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, _: handler.send_error(404)
    with pytest.raises(DownloadError, match=r"set\.zip cannot be fetched: the server answers 404 Not Found"):
        download.fetch(archive(server), tmp_path)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [503, 429, 500])
def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path, code: int) -> None:
    server.fault = lambda handler, number: handler.give() if number == 3 else handler.send_error(code)
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)


def test_a_server_that_stays_busy(server: Server, tmp_path: Path) -> None:
    server.fault = lambda handler, number: handler.send_error(503) if number else handler.give(cut_after=700)
    with pytest.raises(DownloadError, match=r"answers 503 .*try again later, it goes on from byte 700"):
        download.fetch(archive(server), tmp_path)
    assert len(server.requests) == download.ATTEMPTS + 1
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:700]


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/set.zip"
        with pytest.raises(DownloadError, match="refused"):
            download.fetch(Archive(name="set.zip", url=url, sha256="0" * 64, bytes=5), tmp_path)


def test_offline_nothing_is_asked(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFARZOO_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"CIFARZOO_OFFLINE is set, so .*set\.zip is not asked; unset it, or put "):
        download.fetch(archive(server), tmp_path)
    assert server.requests == []
    (tmp_path / "set.zip").write_bytes(CONTENT)
    assert download.fetch(archive(server), tmp_path) == tmp_path / "set.zip"
    (tmp_path / "set.zip").unlink()
    for setting in ("", "0"):
        monkeypatch.setenv("CIFARZOO_OFFLINE", setting)
        assert not download.offline()


def test_redirects_are_followed_but_never_to_less_safety(server: Server, tmp_path: Path) -> None:
    def fault(handler: Handler, number: int) -> None:
        if number == 0:
            handler.send_response(302)
            handler.send_header("Location", "/elsewhere.zip")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            handler.give()

    server.fault = fault
    download.fetch(archive(server), tmp_path)
    assert_whole(tmp_path)
    request = urllib.request.Request("https://example.org/set.zip")
    with pytest.raises(DownloadError, match="not encrypted"):
        download._SameOrSafer().redirect_request(request, None, 302, "", None, "http://example.org/x")  # type: ignore[arg-type]


def test_disk_full(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DownloadError, match=rf"No space left on device; {len(CONTENT)} bytes are needed"):
        download.fetch(archive(server), tmp_path)
    monkeypatch.undo()
    download.fetch(archive(server), tmp_path)  # what was fetched is not lost
    assert_whole(tmp_path)
    assert len(server.requests) == 1


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be written"):
        download.fetch(archive(server), tmp_path / "file" / "folder")


def test_two_processes_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    """Nothing is answered before both are about to ask."""
    code = f"""
from pathlib import Path
from cifarzoo.data import download
from cifarzoo.data.specs import Archive
print("here", flush=True)
download.fetch({archive(server)!r}, Path({str(tmp_path)!r}))
"""
    both = threading.Event()
    server.fault = lambda handler, number: (both.wait(60), handler.give())
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.stdout.readline() for process in processes if process.stdout] == [b"here\n"] * 2
    both.set()
    assert [process.communicate() and process.returncode for process in processes] == [0, 0]
    assert_whole(tmp_path)
    assert server.requests == [None]


def test_threads_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    threads = [threading.Thread(target=download.fetch, args=(archive(server), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_whole(tmp_path)
    assert server.requests == [None]
