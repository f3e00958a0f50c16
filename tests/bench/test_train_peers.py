"""Each contestant makes its steps on a small fake, and says how long they took."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from data_fakes import binary10, write_files

import cifarzoo
from cifarzoo.bench import train_peers
from cifarzoo.bench.train_peers import Task, Timing, from_first_step

NARROW = {"stem_width": 8, "widths": (8, 8, 8, 8)}


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setattr(train_peers, "CIFAR10", partial(train_peers.CIFAR10, partial=True))
    monkeypatch.setattr(train_peers.cifarzoo, "create", partial(cifarzoo.create, **NARROW))
    monkeypatch.setattr(train_peers, "_WORKERS", 0)  # in this process
    root = write_files(tmp_path / "root", binary10(per_batch=20)[0])
    return Task(
        root=str(root),
        cache=str(tmp_path / "cache"),
        model="baseline_cnn",
        images=60,
        batch_size=20,
        precision="fp32",
        threads=torch.get_num_threads(),
    )


def assert_two_of_three_steps(timing: Timing) -> None:
    assert timing.images == 40
    assert timing.seconds > 0


@pytest.mark.parametrize("contestant", [train_peers.trainer, train_peers.bare_loop])
@pytest.mark.parametrize("defaults", [False, True])
def test_ours(contestant: Callable[[Task], Timing], defaults: bool, task: Task) -> None:
    assert_two_of_three_steps(contestant(task.by_default() if defaults else task))


@pytest.mark.filterwarnings("ignore")  # peers give advice
@pytest.mark.parametrize(
    ("package", "contestant"),
    [
        ("timm", train_peers.timm_loader),
        ("pytorch_lightning", train_peers.lightning),
        ("transformers", train_peers.hugging_face),
    ],
)
def test_peers(package: str, contestant: Callable[[Task], Timing], task: Task, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip(package, reason="comes with the extra 'bench'")
    assert_two_of_three_steps(contestant(task))
    assert capsys.readouterr().out == ""  # it is the record's


def test_compiling_reaches_the_trainer(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model, **_: compiled.append(model) or model)
    assert_two_of_three_steps(train_peers.trainer(task, compiled=True))
    assert len(compiled) == 1


def test_a_task_says_what_is_trained(task: Task) -> None:
    assert len(task.dataset()) == 60
    assert task.network().training
    assert task.memory_format is torch.channels_last
    plain = task.by_default()
    assert (plain.precision, plain.memory_format) == ("fp32", torch.contiguous_format)


def test_the_first_step_does_not_count() -> None:
    assert from_first_step([5.0, 6.0, 9.0], 20) == Timing(40, 4.0)
