"""A checkpoint is whole or absent, whatever fails and wherever the process dies."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from cifarzoo.errors import ResumeError
from cifarzoo.training.checkpoints import CheckpointWarning, load_newest, remove_checkpoints, save_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # one thread here

CALLS = ("open", "write", "fsync", "rename", "mkdir", "rmdir", "unlink", "close")


def content(number: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    values = torch.arange(1000.0).view(10, 10, 5, 2) + number
    return {"weights": values.to(memory_format=torch.channels_last), "count": torch.tensor(number)}, {"step": number}


def save(folder: Path, number: int) -> Path:
    return save_checkpoint(folder, f"step-{number:04d}", *content(number))


def number_of(folder: Path) -> int | None:
    """Which checkpoint is the newest, after a check that it is whole."""
    found = load_newest(folder)
    if found is None:
        return None
    number: int = found[1]["step"]
    for name, tensor in content(number)[0].items():
        assert torch.equal(found[0][name], tensor)
    return number


class Fault:
    """Lets the ``at``-th call of the system fail, or die, or write only a part."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.at, self.count = kind, at, 0

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count != self.at:
                return call(*args, **kwargs)
            if self.kind == "die":
                os._exit(9)
            if name == "write":
                done = call(args[0], args[1][: len(args[1]) // 2])  # a part is written first
                if self.kind == "short":
                    return done
            elif self.kind == "short":
                return call(*args, **kwargs)
            raise OSError(getattr(errno, self.kind), os.strerror(getattr(errno, self.kind)))

        return faulty

    @contextmanager
    def in_force(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self.wrap(name, getattr(os, name)))
            yield


def calls_of_a_save(folder: Path) -> int:
    for number in (1, 2):
        save(folder, number)
    counter = Fault("none", 0)
    with counter.in_force():
        save(folder, 3)
    return counter.count


def test_what_is_saved_is_loaded_and_two_generations_stay(tmp_path: Path) -> None:
    assert load_newest(tmp_path / "none") is None
    for number in range(1, 5):
        path = save(tmp_path, number)
        assert path.is_dir()
        assert number_of(tmp_path) == number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0003", "step-0004"]
    assert not any(path.suffix in (".pt", ".pkl", ".pickle") for path in tmp_path.rglob("*"))


def test_saving_the_same_again_leaves_it(tmp_path: Path) -> None:
    first = save(tmp_path, 1)
    before = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    assert save(tmp_path, 1) == first
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == before


@pytest.mark.counted
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_a_save_that_fails_at_any_call_leaves_a_valid_checkpoint(
    kind: str, tmp_path: Path, record: Callable[..., None]
) -> None:
    calls = calls_of_a_save(tmp_path / "count")
    assert calls > 15
    for at in range(1, calls + 1):
        folder = tmp_path / str(at)
        for number in (1, 2):
            save(folder, number)
        raised = False
        with Fault(kind, at).in_force():
            try:
                save(folder, 3)
            except OSError:
                raised = True
        assert number_of(folder) in ((3,) if not raised else (2, 3))
        assert not raised or kind != "short"
        assert save(folder, 4).is_dir()
        assert number_of(folder) == 4
        shutil.rmtree(folder)
    record(faults=calls, without_a_valid_checkpoint=0)


@pytest.mark.counted
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_dies_at_any_call_leaves_a_valid_checkpoint(tmp_path: Path, record: Callable[..., None]) -> None:
    calls = calls_of_a_save(tmp_path / "count")
    chosen = []
    for at in range(1, calls + 1):
        folder = tmp_path / str(at)
        for number in (1, 2):
            save(folder, number)
        child = os.fork()
        if child == 0:
            with suppress(BaseException), Fault("die", at).in_force():
                save(folder, 3)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        chosen.append(number_of(folder))
        assert not list(folder.glob(".*")), "what was half written is cleared away"
        assert save(folder, 4).is_dir()
        assert number_of(folder) == 4
        shutil.rmtree(folder)
    assert chosen == sorted(chosen)  # the old one up to the rename, the new one after it
    assert set(chosen) == {2, 3}
    record(kills=calls, without_a_valid_checkpoint=0)


@pytest.mark.parametrize("name", ["state.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_a_damaged_checkpoint_is_passed_over(name: str, damage: str, tmp_path: Path) -> None:
    folder, alone = tmp_path / "both", tmp_path / "alone"
    for number in (1, 2):
        save(folder, number)
    path = folder / "step-0002" / name
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "flip":
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    else:
        path.write_bytes(whole[: len(whole) - 1] if damage == "cut" else b"")
    shutil.copytree(path.parent, alone / "step-0002")
    with pytest.warns(CheckpointWarning, match=r"step-0002 is damaged.*older"):
        assert number_of(folder) == 1
    assert [entry.name for entry in folder.iterdir()] == ["step-0001"]  # so that the run can save step 2 again
    with pytest.warns(CheckpointWarning), pytest.raises(ResumeError, match=r"no checkpoint.*intact.*never"):
        load_newest(alone)


def test_swapped_files_are_noticed(tmp_path: Path) -> None:
    one, two = save(tmp_path, 1), save(tmp_path, 2)
    shutil.copy(one / "state.safetensors", two / "state.safetensors")
    with pytest.warns(CheckpointWarning, match="damaged"):
        assert number_of(tmp_path) == 1


def test_removed(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    remove_checkpoints(folder)
    save(folder, 1)
    remove_checkpoints(folder)
    assert not list(tmp_path.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_newest(folder) is None
