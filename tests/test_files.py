"""A file is whole or absent, whatever fails and whenever; a lock is held by one and outlives nobody."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cifarzoo import files
from cifarzoo.errors import CifarZooError, SettingError


def child(code, *arguments):
    """A Python process that has imported ``files`` and talks through its pipes."""
    code = f"import sys\nfrom cifarzoo import files\n{code}"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], **pipes)


@contextlib.contextmanager
def ended(process):
    """Kill the process at the end of the block, with its pipes."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    files.write_bytes(path, b"old")
    files.write_text(str(path), "neu: \u00fc\n")
    assert path.read_bytes() == b"neu: \xc3\xbc\n"
    assert names_in(path.parent) == ["file"]


def test_what_cannot_be_written_is_a_setting(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path, tmp_path / "file" / "other"):
        with pytest.raises(SettingError, match=r"cannot be written \(.*\); choose another place"), files.writing(path):
            files.write_bytes(path, b"new")
    with files.writing(tmp_path / "fine"):
        files.write_bytes(tmp_path / "fine", b"new")


def test_a_folder_is_no_file_to_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (".", "/", tmp_path):
        with pytest.raises(OSError):
            files.write_bytes(path, b"new")
    assert names_in(tmp_path) == []


def test_readers_see_the_old_file_until_the_block_ends(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with files.replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def fail(*_, **__):
    raise OSError(errno.ENOSPC, "no space left on device")


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("old", [b"old", None])
@pytest.mark.parametrize("failure", [fail, interrupt])
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_failure_keeps_the_old_file(tmp_path, monkeypatch, step, failure, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", failure)
    if step == "replace":
        monkeypatch.setattr(Path, "replace", failure)
    with pytest.raises((OSError, KeyboardInterrupt)), files.replacing(path) as file:
        file.write(b"new")
        if step == "write":
            failure()
    assert (path.read_bytes() if path.exists() else None) == old
    assert names_in(tmp_path) == ([] if old is None else ["file"])


def test_everything_is_on_the_disk_before_the_rename(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, Path.replace

    def note_sync(handle):
        status = os.fstat(handle)
        steps.append(("sync", "folder" if stat.S_ISDIR(status.st_mode) else status.st_size))
        fsync(handle)

    def note_rename(self, target):
        steps.append(("rename", target.name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    files.write_bytes(tmp_path / "file", b"12345")
    assert steps == [("sync", 5), ("rename", "file"), ("sync", "folder")]


@pytest.mark.parametrize("code, passes", [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_folders_that_cannot_be_synced(tmp_path, monkeypatch, code, passes):
    """Some network file systems sync files only; a broken disk is another matter."""

    def refuse(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with contextlib.nullcontext() if passes else pytest.raises(OSError, match=os.strerror(code)):
        files.sync_folder(tmp_path)


def test_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = """
for turn in range(10**9):
    files.write_bytes(sys.argv[1], bytes([turn % 256]) * 300_000)
    print(turn, flush=True)
"""
    for turns in (1, 2, 5):
        with ended(child(code, path)) as process:
            for _ in range(turns):
                process.stdout.readline()
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1


def test_two_writers_leave_one_whole_file(tmp_path):
    path = tmp_path / "file"
    code = "for _ in range(50): files.write_bytes(sys.argv[1], sys.argv[2].encode() * 100_000)"
    writers = [child(code, path, letter) for letter in "ab"]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert names_in(tmp_path) == ["file"]


HOLDER = """
with files.locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
"""


def test_lock_keeps_others_out_until_it_is_released(tmp_path):
    path = tmp_path / "folder" / "file"
    with ended(child(HOLDER, path)) as holder:
        assert holder.stdout.readline() == "held\n"
        refused = pytest.raises(CifarZooError, match=r"file\.lock is held by another process for over 0\.01 s")
        with refused, files.locked(path, timeout_s=0.01):
            pytest.fail("two held one lock")
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "released\n"
        with files.locked(path, timeout_s=0):
            pass


def test_lock_dies_with_its_holder(tmp_path):
    path = tmp_path / "file"
    with ended(child(HOLDER, path)) as holder:
        assert holder.stdout.readline() == "held\n"
    with files.locked(path, timeout_s=0):
        pass


def test_lock_is_released_by_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), files.locked(tmp_path / "file"):
        1 / 0  # noqa: B018
    with files.locked(tmp_path / "file", timeout_s=0):
        pass
