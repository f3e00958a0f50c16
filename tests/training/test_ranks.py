"""Two processes that train together, on this machine's CPU, by gloo."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import exit_code, forked
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed import TCPStore

from cifarzoo.errors import LostProcessError, RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer, evaluate
from cifarzoo.training.history import History
from cifarzoo.training.ranks import Ranks, _meeting_place, joined
from cifarzoo.weights import load_weights

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # one thread here
    pytest.mark.filterwarnings("ignore:.*began with other weights"),  # to see that the checkpoint's replace them
]

RECIPE = Recipe(epochs=3, batch_size=16, lr=0.1, warmup_epochs=1, label_smoothing=0.1, precision="fp32")
CPU = torch.device("cpu")

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(world_size: int, work: Callable[[int], object]) -> list[int]:
    """Fork processes with the environment that torchrun gives; their ids."""
    port, children = free_port(), []
    for rank in range(world_size):

        def work_as_rank(rank: int = rank) -> None:
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world_size)}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            work(rank)

        children.append(forked(work_as_rank))
    return children


def codes(children: list[int]) -> list[int]:
    return [exit_code(child) for child in children]


def run(world_size: int, work: Callable[[int], object]) -> list[int]:
    return codes(start(world_size, work))


def fit(folder: Path, net: nn.Module, train: Any, test: Any, recipe: Recipe = RECIPE, **settings: Any) -> Trainer:
    trainer = Trainer(net, recipe, output_dir=folder, progress=False, device="cpu", **settings)
    trainer.fit(train, test)
    return trainer


def plain(net: nn.Module) -> nn.Module:
    """Without what depends on how a batch is shared out."""
    net.norm, net.drop = nn.Identity(), nn.Identity()
    return net


def curve(folder: Path) -> list[tuple[float, ...]]:
    return [(r.train_loss, r.train_top1, r.test_loss or 0, r.test_top1 or 0) for r in History.read(folder).records]


def test_two_processes_give_the_curve_of_one(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    train, test = make_set(70), make_set(33, seed=1)
    fit(tmp_path / "one", plain(make_net()), train, test)
    assert run(2, lambda rank: fit(tmp_path / "two", plain(make_net(rank)), train, test)) == [0, 0]
    for one, two in zip(curve(tmp_path / "one"), curve(tmp_path / "two"), strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    ones, twos = load_weights(tmp_path / "one")[0], load_weights(tmp_path / "two")[0]
    for name, tensor in ones.items():
        torch.testing.assert_close(tensor, twos[name], rtol=1e-4, atol=1e-5)


def test_all_processes_end_with_the_same_state(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    """With batch norm, dropout and an average; the second starts from other weights, which it gives up."""

    def work(rank: int) -> None:
        recipe = RECIPE.replace(average="ema", average_every=1)
        trainer = fit(tmp_path / "run", make_net(rank), make_set(64), make_set(33, seed=1), recipe)
        assert trainer.state is not None
        copies = {name: tensor.clone().contiguous() for name, tensor in trainer.state.tensors().items()}
        save_file(copies, tmp_path / f"{rank}.safetensors")

    assert run(2, work) == [0, 0]
    one, two = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    card = load_weights(tmp_path / "run")[1]
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["world_size"] == 2
    assert card.top1 == History.read(tmp_path / "run").last.test_top1


@pytest.mark.parametrize("count", [1, 32, 33, 65])
def test_evaluation_counts_each_image_once(count: int, tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    test = make_set(count, seed=1)
    expected = evaluate(make_net(), test, batch_size=16)

    def work(rank: int) -> None:
        with joined(CPU) as ranks:
            found = evaluate(make_net(), test, batch_size=8, ranks=ranks)
        assert (found.top1, found.top5, found.per_class) == (expected.top1, expected.top5, expected.per_class)
        assert found.loss == pytest.approx(expected.loss, rel=1e-5)

    assert run(2, work) == [0, 0]


def killed_at(
    dying: int, step: int, folder: Path, make_net: Nets, make_set: Sets, recipe: Recipe = RECIPE
) -> list[int]:
    """Exit codes of two processes one of which is killed after a step; 3 is that of the one that has noticed."""

    def work(rank: int) -> None:
        def hook(made: int, loss: Tensor) -> None:
            if rank == dying and made == step:
                os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(LostProcessError, match=f"process {rank} has lost another one, .* goes on from the last"):
            fit(folder, make_net(), make_set(64), make_set(20, seed=1), recipe, on_step=hook, checkpoint_every_s=0)
        raise SystemExit(3)

    return run(2, work)


def assert_ends_and_is_taken_up(
    dying: int, step: int, folder: Path, make_net: Nets, make_set: Sets, recipe: Recipe = RECIPE
) -> None:
    """The run ends within a minute, and the same call then goes on to the very same end."""
    train, test = make_set(64), make_set(20, seed=1)
    unbroken, broken = folder / "unbroken", folder / f"{dying}-{step}"
    if not unbroken.exists():
        assert run(2, lambda rank: fit(unbroken, make_net(), train, test, recipe)) == [0, 0]
    started = time.monotonic()
    found = killed_at(dying, step, broken, make_net, make_set, recipe)
    assert (found[dying], found[1 - dying]) == (-signal.SIGKILL, 3)
    assert time.monotonic() - started < 60
    seed = 9 if step > 1 else 0  # killed in its first step the run has no checkpoint, and begins anew
    assert run(2, lambda rank: fit(broken, make_net(seed), train, test, recipe)) == [0, 0]
    one, two = (load_weights(run_)[0] for run_ in (unbroken, broken))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert curve(unbroken) == curve(broken)


def test_a_process_that_dies_ends_the_others_and_the_run_is_taken_up(
    tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    """At the first step, in the middle and at the end of the run."""
    for dying, step in ((1, 1), (0, 7), (1, 12)):
        assert_ends_and_is_taken_up(dying, step, tmp_path, make_net, make_set)


@pytest.mark.campaign
@pytest.mark.parametrize("dying", [0, 1])
def test_a_process_that_dies_at_any_of_twenty_steps(
    dying: int, tmp_path: Path, make_net: Nets, make_set: Sets, record: Callable[..., None]
) -> None:
    recipe = RECIPE.replace(epochs=5, average="ema", average_every=1)
    for step in range(1, 21):
        assert_ends_and_is_taken_up(dying, step, tmp_path, make_net, make_set, recipe)
    record(kills=20, differences=0)


SCRIPT = """
import os, signal
from cifarzoo.cli import main
from cifarzoo.training.guard import Guard

update = Guard.update

def killing(self, loss, *, step):
    if os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0" and os.environ["RANK"] == "1" and step == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return update(self, loss, step=step)

Guard.update = killing
line = "train baseline_cnn --model-set stem_width=8 --model-set widths=[8,8,8,8] --data digits --images 60"
main([*line.split(), "--batch-size", "20", "--epochs", "3", "--device", "cpu", "--output", os.environ["RUN"]])
"""


def test_torchrun_starts_all_again_and_the_run_ends_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    monkeypatch.setenv("RUN", str(tmp_path / "unbroken"))
    assert run(2, lambda rank: runpy.run_path(str(script))) == [0, 0]
    monkeypatch.setenv("RUN", str(tmp_path / "broken"))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "--max-restarts", "1", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on with the run" in done.stderr
    assert done.stdout.count("weights:") == done.stdout.count("curve:") == 1
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("unbroken", "broken"))
    assert one == two


def test_a_restart_does_not_find_what_dead_processes_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchrun's store outlives them."""
    served = TCPStore("127.0.0.1", 0, is_master=True)
    given = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(served.port)}
    for name, value in (given | {"TORCHELASTIC_USE_AGENT_STORE": "True", "GROUP_WORLD_SIZE": "1"}).items():
        monkeypatch.setenv(name, value)
    found = []
    for restart in ("0", "1", "1"):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", restart)
        store, rank, world_size = _meeting_place()
        assert (rank, world_size) == (0, 1)
        found.append(store.check(["address"]))
        store.set("address", "of a process")
    assert found == [False, False, True]


def test_a_process_that_never_comes_is_said_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cifarzoo.training.ranks._TIMEOUT_S", 1.0)
    given = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostProcessError, match="process 0 has lost another one"), joined(CPU):
        pass


def test_a_signal_to_one_lets_all_leave_after_the_same_step(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    train = make_set(64)

    def work(rank: int) -> None:
        def hook(step: int, loss: Tensor) -> None:
            if rank == 1 and step == 6:
                os.kill(os.getpid(), signal.SIGTERM)

        fit(tmp_path, make_net(), train, None, on_step=hook)

    assert run(2, work) == [130, 143]
    assert max(path.name for path in (tmp_path / "checkpoints").iterdir()).startswith("step-000000006")


def test_what_cannot_be_shared_is_refused() -> None:
    two = Ranks(rank=0, world_size=2)
    assert two.share_of(Recipe(batch_size=16)) == 8
    with pytest.raises(RecipeError, match=r"batch_size \(=15\) must be a multiple of the 2 processes; nearest: 1[46]"):
        two.share_of(Recipe(batch_size=15))
    with pytest.raises(RecipeError, match="seconds"):
        two.share_of(Recipe(batch_size=16, seconds=5))
    assert Ranks().share_of(Recipe(batch_size=15, seconds=5)) == 15


def test_norms_over_all_processes(make_net: Nets) -> None:
    recipe, two, net = RECIPE.replace(sync_batch_norm=True), Ranks(rank=0, world_size=2), make_net()
    names = list(net.state_dict())
    Ranks().sync_norms(net, recipe, CPU)
    two.sync_norms(net, RECIPE, CPU)
    assert type(net.norm) is nn.BatchNorm2d
    with pytest.raises(RecipeError, match="sync_batch_norm needs GPUs"):
        two.sync_norms(net, recipe, CPU)
    two.sync_norms(net, recipe, torch.device("cuda"))
    assert type(net.norm) is nn.SyncBatchNorm
    assert list(net.state_dict()) == names


def test_alone_everything_stays_as_it_is() -> None:
    with joined(CPU) as alone:
        assert alone == Ranks()
    gradient, sums, rows = torch.ones(2), torch.ones(3), torch.ones(2, 2)
    assert alone.reduce([gradient], sums) is sums
    assert alone.gather(rows, torch.tensor([1, 0]), 2) is rows
    state, facts = {"weight": rows}, {"step": 3}
    kept, told = alone.of_first(state, facts, CPU)
    assert kept is state and told is facts
    assert alone.any(True, CPU) and not alone.any(False, CPU)
    assert alone.writes
