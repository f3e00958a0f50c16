"""From a source to arrays: decoded once, kept whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import errno
import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from build_fakes import COUNT, IMAGES, Counted, ForkServer, found, load

from cifarzoo.data import CacheWarning, SkippedWarning, build, cache
from cifarzoo.data.cache import Arrays
from cifarzoo.data.layouts import Found
from cifarzoo.data.measure import mean_and_std
from cifarzoo.errors import DataError, SettingError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.zip"
    path.write_bytes(b"source")
    return path


def test_the_cache_and_memory_hold_the_same(source: Path, tmp_path: Path) -> None:
    in_memory, mapped = load(source, measure=True), load(source, where=tmp_path / "cache", measure=True)
    for arrays in (in_memory, mapped):
        assert torch.equal(arrays.images, torch.from_numpy(IMAGES))
        assert arrays.targets.tolist()[:4] == [0, 1, 2, 0]
        assert torch.equal(arrays.columns["row"], torch.arange(COUNT))
        assert arrays.class_names == ("A", "B", "C")
        assert (arrays.mean, arrays.std) == mean_and_std(torch.from_numpy(IMAGES))
    assert in_memory.fingerprint == mapped.fingerprint
    assert in_memory.file is None
    assert mapped.file is not None
    cache.verify(mapped.file)


def test_a_second_open_decodes_nothing(source: Path, tmp_path: Path) -> None:
    load(source, where=tmp_path / "cache")
    pixels = Counted()
    again = load(source, pixels, where=tmp_path / "cache")
    assert pixels.asked == []
    assert torch.equal(again.images, torch.from_numpy(IMAGES))


def test_mean_and_std_are_measured_only_when_asked(source: Path, tmp_path: Path) -> None:
    assert load(source).mean == load(source, where=tmp_path / "cache").std == ()


@pytest.mark.parametrize("change", ["content", "time", "version", "options"])
def test_a_changed_source_is_decoded_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = load(source, where=tmp_path / "cache")
    pixels = Counted()
    options = []
    if change == "content":
        source.write_bytes(b"other")
    elif change == "time":
        os.utime(source, ns=(5, 5))
    elif change == "version":
        monkeypatch.setattr(build, "READER_VERSION", build.READER_VERSION + 1)
    else:
        options = ["another size"]
    kept = tmp_path / "cache"
    second = build.load("set-train", found(source, pixels), cache_folder=kept, on_error="raise", options=options)
    assert sorted(pixels.asked) == [0, 512, 1024]
    assert second.file != first.file


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c[:100], lambda c: b"", lambda c: c[:-60] + b"x" + c[-59:]]
)
def test_a_damaged_cache_is_built_anew(source: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = load(source, where=tmp_path / "cache").file
    assert file is not None
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(damage(content))
    pixels = Counted()
    assert torch.equal(load(source, pixels, where=tmp_path / "cache").images, torch.from_numpy(IMAGES))
    assert pixels.asked
    assert file.read_bytes() == content


def test_a_bad_image_stops_the_load(source: Path, tmp_path: Path) -> None:
    """The first one is named, whatever the threads do, and nothing is kept."""
    for where in (None, tmp_path / "cache"):
        with pytest.raises(DataError, match=r"archive: member 700 is bad; on_error='skip' leaves such images out"):
            load(source, Counted(bad=(700, 701, 1400)), where=where)
    assert cache.files(tmp_path / "cache") == []
    assert not list((tmp_path / "cache").glob(".*.partial"))


def test_bad_images_are_left_out(source: Path, tmp_path: Path) -> None:
    bad = (0, 511, 512, 1000, COUNT - 1)
    good = [row for row in range(COUNT) if row not in bad]
    for where in (None, tmp_path / "cache"):
        with pytest.warns(SkippedWarning, match=r"5 images were left out; the first: archive: member 0 is bad"):
            arrays = load(source, Counted(bad=bad), where=where, on_error="skip")
        assert torch.equal(arrays.images, torch.from_numpy(IMAGES[good]))
        assert arrays.columns["row"].tolist() == good
        assert arrays.skipped == 5
        assert arrays.fingerprint != load(source).fingerprint
    again = load(source, Counted(bad=bad), where=tmp_path / "cache", on_error="skip")
    assert (again.skipped, len(again.images)) == (5, COUNT - 5)


def test_a_cache_with_images_left_out_is_not_one_for_all_of_them(source: Path, tmp_path: Path) -> None:
    with pytest.warns(SkippedWarning):
        load(source, Counted(bad=(3,)), where=tmp_path / "cache", on_error="skip")
    with pytest.raises(DataError, match="member 3 is bad"):
        load(source, Counted(bad=(3,)), where=tmp_path / "cache")


def test_no_good_image_at_all(source: Path, tmp_path: Path) -> None:
    for where in (None, tmp_path / "cache"):
        with pytest.raises(DataError, match="no image can be decoded; the first: archive: member 0"):
            load(source, Counted(bad=tuple(range(COUNT))), where=where, on_error="skip")


def test_no_images_at_all(source: Path, tmp_path: Path) -> None:
    contents = replace(found(source).read(), targets=np.zeros(0, dtype=np.int64))
    empty = Found(layout="fake", paths=(source,), read=lambda: contents)
    for where in (None, tmp_path / "cache"):
        with pytest.raises(DataError, match=r"source\.zip has no images"):
            build.load("set-train", empty, cache_folder=where, on_error="skip")


def test_on_error_is_checked(source: Path) -> None:
    with pytest.raises(SettingError, match="must be 'raise' or 'skip'"):
        load(source, on_error="ignore")


def test_no_space(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.warns(CacheWarning, match=r"No space left on device\): the set is in memory only. Free space"):
        arrays = load(source, where=tmp_path / "cache")
    assert torch.equal(arrays.images, torch.from_numpy(IMAGES))
    assert arrays.file is None
    assert not list((tmp_path / "cache").glob("*.images")) + list((tmp_path / "cache").glob(".*"))


def test_no_space_for_the_tail(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache, "write_tail", full)
    with pytest.warns(CacheWarning, match="No space left"):
        load(source, where=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".*"))


def test_a_cache_folder_that_is_a_file(source: Path) -> None:
    with pytest.warns(CacheWarning, match="the set is in memory only"):
        assert load(source, where=source).file is None


def test_a_source_that_vanished(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "nothing", where=tmp_path / "cache")


def test_threads_build_once(source: Path, tmp_path: Path) -> None:
    pixels = Counted()
    results: list[Arrays] = []
    threads = [
        threading.Thread(target=lambda: results.append(load(source, pixels, where=tmp_path / "cache")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pixels.asked) == [0, 512, 1024]
    assert all(torch.equal(arrays.images, torch.from_numpy(IMAGES)) for arrays in results)


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    server = ForkServer()
    yield server
    server.close()


def test_processes_build_once(source: Path, tmp_path: Path, fork_server: ForkServer) -> None:
    where = tmp_path / "cache"
    fork_server.ask(source=str(source), cache=str(where), processes=4, kill_after_s=None)
    found = [json.loads(path.read_text()) for path in where.glob("*.json")]
    assert sorted(asked for asked, _ in found) == [0, 0, 0, 3]
    assert all(equal for _, equal in found)


def kill_at_random_moments(server: ForkServer, source: Path, where: Path, times: int) -> int:
    """Kill a process that builds caches and deletes them; how often it left a half-written file."""
    rng = random.Random(0)
    half_written = 0
    for _ in range(times):
        after_s = rng.uniform(0, 0.04)
        left = server.ask(source=str(source), cache=str(where), processes=1, kill_after_s=after_s)
        half_written += any(name.endswith(".partial") for name in left)
        for file in cache.files(where):  # whole, or not there
            cache.verify(file)
        arrays = load(source, where=where)
        assert arrays.file is not None
        cache.verify(arrays.file)
        assert torch.equal(arrays.images, torch.from_numpy(IMAGES))
        arrays.file.unlink()
        load(source, where=where)
        assert not list(where.glob(".*.partial"))  # the next process cleans up
        cache.clear(where)
    return half_written


def test_killed_at_random_moments(source: Path, tmp_path: Path, fork_server: ForkServer) -> None:
    kill_at_random_moments(fork_server, source, tmp_path / "cache", times=15)


@pytest.mark.campaign
def test_killed_at_200_random_moments(
    source: Path, tmp_path: Path, fork_server: ForkServer, record: Callable[..., None]
) -> None:
    half_written = kill_at_random_moments(fork_server, source, tmp_path / "cache", times=200)
    assert half_written > 5
    record(kills=200, half_written_files=half_written, damaged_caches=0)
