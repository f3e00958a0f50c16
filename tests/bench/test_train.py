"""The contest: who takes part, in which order, and what the record says."""

from __future__ import annotations

import json
import os
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from data_fakes import binary10, write_files

import cifarzoo
from cifarzoo.bench import train, train_peers
from cifarzoo.bench.train import _alone, _tour, bench_train, one_epoch_of
from cifarzoo.bench.train_peers import Task, Timing
from cifarzoo.errors import SettingError
from cifarzoo.layers.conv import Conv2d
from cifarzoo.recipes import Recipe

TASK = Task(root="", cache="", model="baseline_cnn", images=40, batch_size=20, precision="fp32", threads=1)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake set, and contestants of known speed in this process."""
    for module in (train, train_peers):
        monkeypatch.setattr(module, "CIFAR10", partial(module.CIFAR10, partial=True))
    speeds = {train_peers.trainer: 2.0, train_peers.bare_loop: 1.9}
    monkeypatch.setattr(train, "_alone", lambda run, task: (Timing(task.images, speeds.get(run, 4.0)), 100.0))
    return write_files(tmp_path / "root", binary10(per_batch=20)[0])


def test_the_record_holds_rates_and_ratios(root: Path) -> None:
    record = bench_train(root, model="baseline_cnn", images=40, batch_size=20, rounds=2, parts=["step", "peers"])
    assert json.loads(json.dumps(record)) == record
    training = record["training"]
    assert training["images_per_s"]["cifarzoo"] == {"median": 20, "rounds": [20, 20]}
    assert training["our_time_in_units_of"]["bare loop"] == pytest.approx(2 / 1.9, abs=1e-4)
    assert training["our_time_in_units_of"]["timm's loader, plain loop"] == 0.5
    assert training["gflop_per_s"]["cifarzoo"] == pytest.approx(20 * 6 * 121.51e6 / 1e9, rel=0.05)
    assert "recipe" not in record


def test_parts_say_who_takes_part() -> None:
    def names(*parts: str) -> set[str]:
        return set(train._entries(TASK, parts))

    variants = {"cifarzoo, without the allocator's call", "cifarzoo, torch's convolutions"}
    assert names("step") == {"cifarzoo", "bare loop"} | variants
    assert names("compiled") == {"cifarzoo", "cifarzoo, compiled"}
    peers, both = names("peers"), names("peers", "defaults")
    assert {f"{name}, its defaults" for name in peers - {"cifarzoo"}} == both - peers
    _, plain = train._entries(TASK, ["defaults"])["timm's loader, plain loop, its defaults"]
    assert plain == TASK.by_default()
    _, ours = train._entries(TASK, ["step"])["cifarzoo, without the allocator's call"]
    assert not ours.allocator and ours.fast
    _, ours = train._entries(TASK, ["step"])["cifarzoo, torch's convolutions"]
    assert ours.allocator and not ours.fast


def test_a_task_decides_on_the_convolutions() -> None:
    for fast in (False, True):
        network = replace(TASK, fast=fast).network()
        assert {layer.fast for layer in network.modules() if isinstance(layer, Conv2d)} == {fast}


def test_a_recipe_beside_the_plain_port(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.recipes, "get", lambda name: Recipe(name=name, epochs=12, batch_size=4))
    record = bench_train(root, images=40, batch_size=20, rounds=1, parts=["recipe"], recipe="fast")
    found = record["recipe"]
    assert found["epochs"] == {"fast": 12, "airbench94's plain port": 8}
    assert found["seconds_of_a_whole_run"]["fast"] == 12 * 50_000 / 10
    assert found["time_in_units_of_the_port"] == 1.5
    assert found["pflop_of_a_whole_run"] > 0
    assert found["gflop_per_s"] == pytest.approx(found["pflop_of_a_whole_run"] * 1e6 / 60_000, rel=0.01)
    assert "training" not in record


def test_an_average_epoch_has_the_whole_course_of_its_recipe(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = partial(cifarzoo.create, stem_width=8, widths=(8, 8, 8, 8))
    monkeypatch.setattr(train.cifarzoo, "create", narrow)
    recipe = Recipe(model="baseline_cnn", epochs=10, warmup_epochs=2, batch_size=20, sizes=((0.5, 32),))
    monkeypatch.setattr(train.recipes, "get", lambda name: recipe)
    seen = []
    fit = train.Trainer.fit
    monkeypatch.setattr(train.Trainer, "fit", lambda self, *sets: seen.append(self.recipe) or fit(self, *sets))
    task = Task(root=str(root), cache=str(root), model="none", images=60, batch_size=5, precision="fp32", threads=1)
    assert one_epoch_of("fast", task).images == 60
    (short,) = seen
    assert (short.epochs, short.warmup_epochs, short.sizes) == (1, 0.2, recipe.sizes)


def test_every_second_round_goes_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    monkeypatch.setattr(train, "_alone", lambda run, task: order.append(run) or (Timing(10, 1.0), 1.0))
    rates, memory, failed = _tour({"a": ("a", TASK), "b": ("b", TASK)}, 3, lambda text: None)
    assert not failed
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert rates.of == {"a": [10] * 3, "b": [10] * 3}
    assert memory == {"a": [1] * 3, "b": [1] * 3}


def test_a_peer_that_fails_is_missing_and_the_others_go_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    went, alone, peer = [], train._alone, "timm's loader, plain loop"

    def failing(run, task):
        went.append(run)
        if run is train_peers.timm_loader and len(went) > 2:  # in the second round
            raise BrokenProcessPool("a worker was killed")
        return alone(run, task)

    monkeypatch.setattr(train, "_alone", failing)
    entries = {"cifarzoo": (train_peers.trainer, TASK), peer: (train_peers.timm_loader, TASK)}
    monkeypatch.setattr(train, "_entries", lambda task, parts: entries)
    said: list[str] = []
    record = bench_train(
        root, model="baseline_cnn", images=40, batch_size=20, rounds=3, parts=["peers"], say=said.append
    )["training"]
    assert record["missing"] == {peer: "BrokenProcessPool: a worker was killed"}
    assert record["images_per_s"].keys() == {"cifarzoo"}
    assert not record["our_time_in_units_of"]
    assert len(went) == 5  # three of ours
    assert "round 2/3: timm's loader, plain loop is left out: BrokenProcessPool: a worker was killed" in said


def test_a_contestant_of_ours_that_fails_ends_the_contest(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run, task):
        raise ZeroDivisionError

    monkeypatch.setattr(train, "_alone", fail)
    with pytest.raises(ZeroDivisionError):
        _tour({"cifarzoo": (train_peers.trainer, TASK)}, 1, lambda text: None)


def test_each_runs_in_a_process_of_its_own() -> None:
    first, second = (_alone(os.path.basename, "/a/process") for _ in range(2))
    assert first[0] == second[0] == "process"
    assert first[1] > 5  # MB


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="parts"):
        bench_train(tmp_path, parts=["nothing"])
    with pytest.raises(SettingError, match="at least 120"):
        bench_train(tmp_path, images=100, batch_size=60, parts=["step"])
    with pytest.raises(SettingError, match="at least 10000"):
        bench_train(tmp_path, images=900, batch_size=60)
