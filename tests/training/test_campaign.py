"""Long fault campaigns (``make campaign``); the short forms are in test_trainer_resume.py and test_checkpoints.py."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import exit_code, forked
from torch import nn

from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer
from cifarzoo.training.checkpoints import load_newest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # one thread here
    pytest.mark.filterwarnings("ignore:.*began with other weights"),  # to see that the checkpoint's replace them
]

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]

RECIPE = Recipe(
    epochs=3, batch_size=4, lr=0.05, warmup_epochs=1, label_smoothing=0.1, augment="strong", precision="fp32"
)
IMAGES, STEPS = 272, 3 * 68
VARIANTS = {
    "sgd": RECIPE,
    "bf16": RECIPE.replace(precision="bf16", optimizer="adamw", lr=1e-3),
    "ema": RECIPE.replace(average="ema", average_every=1),
    "lookahead": RECIPE.replace(average="lookahead", average_every=5),
    "accumulation": RECIPE.replace(accumulate=2, clip_norm=1.0),
    "mixup": RECIPE.replace(mix="mixup", mix_alpha=0.4),
    "muon, sizes, freezing": RECIPE.replace(optimizer="muon", sizes=((0.5, 12),), freeze=(("conv", 0.8),)),
}


def digest(trainer: Trainer) -> str:
    """Everything that must be equal: the state's tensors, and the history but for its times."""
    state = trainer.state
    assert state is not None
    parts = [repr([(r.epoch, r.step, r.lr, r.train_loss, r.train_top1, r.test_loss) for r in state.history.records])]
    parts += [f"{name} {tensor.double().flatten().tolist()}" for name, tensor in state.tensors().items()]
    return "\n".join(parts)


@pytest.mark.campaign
@pytest.mark.parametrize("name", VARIANTS)
def test_killed_at_every_step(
    name: str, tmp_path: Path, make_net: Nets, make_set: Sets, record: Callable[..., None]
) -> None:
    """Each process is killed one step further on: after the step, before its checkpoint."""
    recipe, train, test = VARIANTS[name], make_set(IMAGES), make_set(20, seed=1)
    unbroken = Trainer(make_net(), recipe, progress=False)
    unbroken.fit(train, test)
    for step in range(1, STEPS + 1):
        child = os.fork()
        if child == 0:
            hook = lambda now, loss, step=step: os.kill(os.getpid(), signal.SIGKILL) if now == step else None  # noqa: E731
            settings: dict[str, Any] = {"output_dir": tmp_path, "progress": False, "checkpoint_every_s": 0}
            Trainer(make_net(), recipe, on_step=hook, **settings).fit(train, test)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    last = Trainer(make_net(9), recipe, output_dir=tmp_path, progress=False)
    last.fit(train, test)
    assert digest(unbroken) == digest(last)
    record(kills=STEPS, differences=0)


def run_until(number: signal.Signals | None, delay_s: float, work: Callable[[], object]) -> int:
    """Do the work in a process of its own, hit it with a signal after some time, and give its exit code."""
    child = forked(work)
    if number is not None:
        time.sleep(delay_s)
        os.kill(child, number)
    return exit_code(child)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signals_at_random_times(
    number: signal.Signals, seed: int, tmp_path: Path, make_net: Nets, make_set: Sets, record: Callable[..., None]
) -> None:
    """A process is hit fifty times, whatever it is doing, and its runs end like one that was not."""
    recipe = RECIPE.replace(epochs=40, batch_size=16, average="ema", augment="baseline")
    train, test = make_set(256), make_set(64, seed=1)

    def work(folder: Path) -> None:
        settings: dict[str, Any] = {"progress": False, "checkpoint_every_s": 0.02}
        Trainer(make_net(), recipe, output_dir=folder, **settings).fit(train, test)

    assert run_until(None, 0, lambda: work(tmp_path / "unbroken")) == 0
    expected = (tmp_path / "unbroken" / "model.safetensors").read_bytes()
    codes = {-number, {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]}
    draw, hits, runs = random.Random(seed), 0, 0
    while hits < 50:
        folder = tmp_path / f"run{runs}"
        code = run_until(number, draw.uniform(0, 0.5), lambda folder=folder: work(folder))
        if code == 0:  # the signal came too late
            assert (folder / "model.safetensors").read_bytes() == expected
            runs += 1
        else:
            assert code in codes
            load_newest(folder / "checkpoints")
            hits += 1
    assert run_until(None, 0, lambda: work(folder)) == 0
    assert (folder / "model.safetensors").read_bytes() == expected
    record(signals=hits, runs=runs + 1, differences=0)


@pytest.mark.campaign
def test_memory_does_not_grow_over_a_thousand_steps(
    make_net: Nets, make_set: Sets, record: Callable[..., None]
) -> None:
    resident: list[int] = []

    def watch(step: int, loss: torch.Tensor) -> None:
        if step % 100 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.append(pages * os.sysconf("SC_PAGE_SIZE"))

    recipe = RECIPE.replace(epochs=20, average="ema", optimizer="adamw", lr=1e-3)
    Trainer(make_net(), recipe, progress=False, on_step=watch).fit(make_set(IMAGES))
    assert len(resident) >= 13
    assert resident[-1] - resident[2] < 2**20
    record(steps=1360, grown_bytes=resident[-1] - resident[2])


def test_no_step_leaves_a_tensor_behind(make_net: Nets, make_set: Sets) -> None:
    alive: list[int] = []

    def count(step: int, loss: torch.Tensor) -> None:
        if step % 68 == 34:  # the middle of an epoch
            alive.append(sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects()))

    recipe = RECIPE.replace(average="ema", optimizer="adamw", lr=1e-3)
    Trainer(make_net(), recipe, progress=False, on_step=count).fit(make_set(IMAGES))
    assert len(alive) == 3
    assert alive[2] - alive[1] < 34  # 68 steps on; a batch that is being prepared may hold a few
