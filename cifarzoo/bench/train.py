"""Training against a loop written by hand and against other trainers, on real images: rates, ratios, memory."""

from __future__ import annotations

import multiprocessing
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch

import cifarzoo
from cifarzoo import recipes
from cifarzoo.bench import airbench94, train_peers
from cifarzoo.bench.contest import Rates, alone, environment, in_turn, peak_mb
from cifarzoo.bench.train_peers import Task, Timing
from cifarzoo.data import CIFAR10
from cifarzoo.errors import SettingError
from cifarzoo.training import Trainer
from cifarzoo.training.flops import training_pflop
from cifarzoo.training.precision import choose_precision

Contestant = Callable[[Task], Timing]
Entry = tuple[Contestant, Task]

_OURS = "cifarzoo"
PARTS = ("step", "compiled", "peers", "defaults", "recipe")
_PEERS: Mapping[str, tuple[str, Contestant]] = {
    "timm's loader, plain loop": ("timm", train_peers.timm_loader),
    "pytorch-lightning": ("pytorch_lightning", train_peers.lightning),
    "transformers' Trainer": ("transformers", train_peers.hugging_face),
}


def bench_train(
    root: Path | str,
    *,
    model: str = "speednet",
    images: int = 50_000,
    batch_size: int = 1000,
    precision: str = "auto",
    rounds: int = 3,
    parts: Sequence[str] = PARTS,
    recipe: str = "speed/c94",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure, each contestant in a process of its own and in turn; every second round goes in the other order.

    Args:
        root: the folder that holds CIFAR-10.
        model: of the contests "step" and "peers".
        images: of a contestant's epoch; fewer are quicker and noisier.
        batch_size: images a step.
        precision: ``fp32``, ``bf16`` or ``auto``.
        rounds: how often each contestant runs.
        parts: ``step`` (the Trainer without the allocator's call or with torch's convolutions, a bare loop),
            ``compiled`` (``compile=True``), ``peers`` (timm's data, Lightning, transformers; those that are installed),
            ``defaults`` (they in fp32 and NCHW), ``recipe`` (an average epoch of it, one of airbench94's plain port).
        recipe: its schedules are laid out over one epoch, which is then an average one.
        say: is told how far it is.

    Returns:
        A record of JSON values: rates in images a second, ratios of time, peak memory, environment.

    Raises:
        SettingError: an argument outside what is legal.
    """
    # An average epoch has all sizes and an update of the averages: some ten steps.
    _check(parts, images, max(2 * batch_size, 10 * recipes.get(recipe).batch_size if "recipe" in parts else 0))
    with tempfile.TemporaryDirectory() as cache:
        CIFAR10(root, "train", cache=Path(cache))  # decoded once, for all processes
        task = Task(
            root=str(root),
            cache=cache,
            model=model,
            images=images,
            batch_size=batch_size,
            precision=choose_precision(precision, "cpu"),
            threads=torch.get_num_threads(),
        )
        record = {
            "kind": "training benchmark",
            "model": model,
            "images": images,
            "batch_size": batch_size,
            "precision": task.precision,
            "rounds": rounds,
            "environment": environment("torchvision", "timm", *_installed("pytorch-lightning", "transformers")),
        }
        if set(parts) - {"recipe"}:
            record["training"] = _contest(_entries(task, parts), rounds, _flops(model), say)
        if "recipe" in parts:
            record["recipe"] = _recipe_contest(task, recipe, rounds, say)
    return record


def _check(parts: Sequence[str], images: int, least: int) -> None:
    """Raise SettingError for a part that does not exist, or too few images for the contestants' steps."""
    if set(parts) - set(PARTS):
        raise SettingError(f"parts (={list(parts)}) must be of {', '.join(PARTS)}")
    if images < least:
        raise SettingError(f"images (={images}) must be at least {least}, for enough steps of each contestant")


def one_epoch_of(name: str, task: Task) -> Timing:
    """An average epoch of a recipe: its sizes, freezing and averaging laid out over a single one."""
    recipe = recipes.get(name)
    short = recipe.replace(epochs=1, warmup_epochs=recipe.warmup_epochs / recipe.epochs, precision=task.precision)
    dataset = task.dataset()
    model = cifarzoo.create(str(recipe.model), num_classes=10, seed=0)
    history = Trainer(model, short, device="cpu", progress=False).fit(dataset)
    return Timing(history.last.step * recipe.batch_size, history.last.seconds)


def _entries(task: Task, parts: Sequence[str]) -> dict[str, Entry]:
    """The contestants and what each is given."""
    entries: dict[str, Entry] = {_OURS: (train_peers.trainer, task)}
    if "step" in parts:
        entries["bare loop"] = (train_peers.bare_loop, task)
        entries[f"{_OURS}, without the allocator's call"] = (train_peers.trainer, replace(task, allocator=False))
        entries[f"{_OURS}, torch's convolutions"] = (train_peers.trainer, replace(task, fast=False))
    if "compiled" in parts:
        entries[f"{_OURS}, compiled"] = (partial(train_peers.trainer, compiled=True), task)
    found = {name: run for name, (package, run) in _PEERS.items() if find_spec(package)}
    if "peers" in parts:
        entries |= {name: (run, task) for name, run in found.items()}
    if "defaults" in parts:
        entries |= {f"{name}, its defaults": (run, task.by_default()) for name, run in found.items()}
    return entries


def _contest(entries: Mapping[str, Entry], rounds: int, flops: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Rates, what they are in GFLOP/s, memory, and the time that we take in units of each other's."""
    rates, memory, failed = _tour(entries, rounds, say)
    return {
        "images_per_s": rates.as_json(),
        "missing": failed,
        "gflop_per_s": {name: round(rates.median(name) * flops / 1e9, 1) for name in rates.of},
        "peak_mb": {name: round(median(used)) for name, used in memory.items()},
        "our_time_in_units_of": {name: round(1 / rates.ratio(_OURS, name), 4) for name in rates.of if name != _OURS},
    }


def _recipe_contest(task: Task, name: str, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """An average epoch of a recipe beside one of the plain port, and what whole runs take by these rates."""
    port, recipe = "airbench94's plain port", recipes.get(name)
    entries: dict[str, Entry] = {name: (partial(one_epoch_of, name), task), port: (airbench94.one_epoch, task)}
    rates, memory, _ = _tour(entries, rounds, say)
    whole, epochs = 50_000, {name: recipe.epochs, port: airbench94.EPOCHS}
    seconds = {each: epochs[each] * whole / rates.median(each) for each in entries}
    model = cifarzoo.create(recipe.model or task.model)
    pflop = training_pflop(model, recipe, images=recipe.epochs * whole, size_px=model.default_input_size)
    return {
        "images_per_s": rates.as_json(),
        "peak_mb": {each: round(median(used)) for each, used in memory.items()},
        "epochs": epochs,
        "seconds_of_a_whole_run": {each: round(value, 1) for each, value in seconds.items()},
        "pflop_of_a_whole_run": round(pflop, 4),
        "gflop_per_s": round(pflop * 1e6 / seconds[name], 1),
        "time_in_units_of_the_port": round(recipe.epochs / airbench94.EPOCHS / rates.ratio(name, port), 4),
    }


def _tour(
    entries: Mapping[str, Entry], rounds: int, say: Callable[[str], None]
) -> tuple[Rates, dict[str, list[float]], dict[str, str]]:
    """Let each contestant run once a round, forwards and backwards in turn.

    Returns:
        Rates, peak memory in MB, and the peers that failed with the reason: they are left out from then on.
    """
    rates: dict[str, list[float]] = {name: [] for name in entries}
    memory: dict[str, list[float]] = {name: [] for name in entries}
    failed: dict[str, str] = {}
    for round_ in range(rounds):
        for name in in_turn(rates, round_):
            try:
                timing, used_mb = _alone(*entries[name])
            except Exception as error:  # whatever a foreign trainer, or the system that ends it, comes up with
                if not name.startswith(tuple(_PEERS)):
                    raise
                failed[name] = f"{type(error).__name__}: {error}"
                del rates[name], memory[name]
                say(f"round {round_ + 1}/{rounds}: {name} is left out: {failed[name]}")
                continue
            rates[name].append(timing.images / timing.seconds)
            memory[name].append(used_mb)
            say(f"round {round_ + 1}/{rounds}: {name}: {rates[name][-1]:.1f} images/s, {used_mb:.0f} MB")
    return Rates(rates), memory, failed


def _alone(contestant: Contestant, task: Task) -> tuple[Timing, float]:
    """A contestant's time and peak memory, from a fresh process."""
    return alone(_with_peak, contestant, task)


def _with_peak(contestant: Contestant, task: Task) -> tuple[Timing, float]:
    if "fork" in multiprocessing.get_all_start_methods():  # as in any process that was not spawned itself
        multiprocessing.set_start_method("fork", force=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers give advice, such as more worker processes
        timing = contestant(task)
    return timing, peak_mb()


def _flops(model: str) -> float:
    """Of an image's training step: two a multiplication, and the backward pass costs twice the forward one."""
    return 6.0 * cifarzoo.model_info(model).macs


def _installed(*packages: str) -> list[str]:
    return [package for package in packages if find_spec(package.replace("-", "_"))]
