"""A run that is broken off and taken up ends like one that was not: the same weights, optimiser and history."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import exit_code, forked
from torch import Tensor, nn

from cifarzoo.errors import RecipeError, ResumeError
from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer, scoring
from cifarzoo.training.checkpoints import CheckpointWarning
from cifarzoo.training.evaluation import restated
from cifarzoo.weights import Card

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # one thread here
    pytest.mark.filterwarnings("ignore:.*began with other weights"),  # to see that the checkpoint's replace them
]

RECIPE = Recipe(
    epochs=3,
    batch_size=16,
    lr=0.1,
    schedule="onecycle",
    warmup_epochs=1,
    label_smoothing=0.1,
    augment="colorjitter",
    precision="fp32",
)
STEPS = 12  # 64 images
VARIANTS = {
    "sgd": RECIPE,
    "adam in bf16 with ema": RECIPE.replace(
        optimizer="adam", lr=1e-3, precision="bf16", average="ema", average_every=1, average_start=0.2
    ),
    "muon without momentum": RECIPE.replace(optimizer="muon", momentum=0.0),
    "muon, windows": RECIPE.replace(
        optimizer="muon", momentum=0.6, rest_optimizer="adamw", bias_lr_ratio=0.01, sizes=((0.5, 8),), shrink="window"
    ),
    "lookahead, sizes, freezing, parts, mixup": RECIPE.replace(
        average="lookahead",
        average_every=2,
        sizes=((0.3, 8), (0.6, 12)),
        freeze=(("conv", 0.7),),
        accumulate=3,
        clip_norm=1.0,
        on_nan="skip",
        mix="mixup",
    ),
}

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]


def outcome(trainer: Trainer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """All that must be equal: every tensor of the state, and the history but for its times."""
    state = trainer.state
    assert state is not None
    tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
    records = [asdict(record) for record in state.history.records]
    for record in records:
        del record["seconds"], record["images_per_s"]
    return tensors, records


def same(one: Any, other: Any) -> bool:
    return one[1] == other[1] and all(torch.equal(tensor, other[0][name]) for name, tensor in one[0].items())


def kill_at(step: int, number: int) -> Callable[[int, Tensor], None]:
    def hook(now: int, loss: Tensor) -> None:
        if now == step:
            os.kill(os.getpid(), number)

    return hook


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", VARIANTS)
def test_killed_at_every_step(name: str, tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    """Each process is killed one step further on, the last one ends the run."""
    recipe, train, test = VARIANTS[name], make_set(64), make_set(20, seed=1)
    unbroken = Trainer(make_net(), recipe, progress=False)
    unbroken.fit(train, test)
    for step in range(1, STEPS + 1):
        hook = kill_at(step, signal.SIGKILL)
        child = forked(
            lambda hook=hook: Trainer(
                make_net(), recipe, output_dir=tmp_path, progress=False, on_step=hook, checkpoint_every_s=0
            ).fit(train, test)
        )
        assert exit_code(child) == -signal.SIGKILL
    last = Trainer(make_net(9), recipe, output_dir=tmp_path, progress=False)
    last.fit(train, test)
    assert same(outcome(unbroken), outcome(last))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("step", [3, 6, 11])
def test_what_was_selected_survives_a_kill(step: int, tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    sets = {"train": make_set(64), "test": make_set(20, seed=1), "holdout": make_set(24, seed=2)}
    unbroken = Trainer(make_net(), RECIPE, progress=False)
    unbroken.fit(**sets)
    hook = kill_at(step, signal.SIGKILL)
    child = forked(
        lambda: Trainer(
            make_net(), RECIPE, output_dir=tmp_path, progress=False, on_step=hook, checkpoint_every_s=0
        ).fit(**sets)
    )
    assert exit_code(child) == -signal.SIGKILL
    last = Trainer(make_net(9), RECIPE, output_dir=tmp_path, progress=False)
    last.fit(**sets)
    assert same(outcome(unbroken), outcome(last))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("every_s", [0, 1e9])
@pytest.mark.parametrize("number, expected", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_leaves(
    number: signal.Signals, expected: int, every_s: float, tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    train, test = make_set(64), make_set(20, seed=1)
    unbroken = Trainer(make_net(), RECIPE, progress=False)
    unbroken.fit(train, test)
    for step in (3, 8, 9):
        hook = kill_at(step, number)
        child = forked(
            lambda hook=hook: Trainer(
                make_net(), RECIPE, output_dir=tmp_path, progress=False, on_step=hook, checkpoint_every_s=every_s
            ).fit(train, test)
        )
        assert exit_code(child) == expected
        assert f"step-{step:09d}" in max(path.name for path in (tmp_path / "checkpoints").iterdir())
    last = Trainer(make_net(9), RECIPE, output_dir=tmp_path, progress=False)
    last.fit(train, test)
    assert same(outcome(unbroken), outcome(last))


def test_a_signal_during_evaluation_saves_and_leaves(
    tmp_path: Path, make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = make_set(64), make_set(20, seed=1)
    unbroken = Trainer(make_net(), RECIPE, progress=False)
    unbroken.fit(train, test)
    evaluate = scoring.evaluate

    def interrupted(*args: Any, **settings: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return evaluate(*args, **settings)

    monkeypatch.setattr(scoring, "evaluate", interrupted)
    model = make_net()
    for _ in range(2):  # the epoch is not lost, and not trained twice
        with pytest.raises(KeyboardInterrupt):
            Trainer(model, RECIPE, output_dir=tmp_path, progress=False, checkpoint_every_s=1e9).fit(train, test)
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000004-epoch-000000"]
    monkeypatch.undo()
    last = Trainer(make_net(9), RECIPE, output_dir=tmp_path, progress=False)
    last.fit(train, test)
    assert same(outcome(unbroken), outcome(last))


def test_without_a_folder_ctrl_c_leaves_after_the_step(make_net: Nets, make_set: Sets) -> None:
    seen: list[int] = []

    def hook(step: int, loss: Tensor) -> None:
        seen.append(step)
        kill_at(5, signal.SIGINT)(step, loss)

    trainer = Trainer(make_net(), RECIPE, progress=False, on_step=hook)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(make_set(64))
    assert seen == [1, 2, 3, 4, 5]
    assert trainer.state is not None and trainer.state.step == 5


def test_a_finished_run_says_so_and_changes_nothing(
    tmp_path: Path, make_net: Nets, make_set: Sets, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False)
    history = first.fit(make_set(64), make_set(20))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("[!.]*") if path.is_file()}
    model = make_net(9)
    again = Trainer(model, RECIPE, output_dir=tmp_path).fit(make_set(64), make_set(20))
    assert again.records == history.records
    assert torch.equal(model.head.weight, first.model.head.weight)
    assert model.card == first.model.card
    assert "finished: nothing to do" in capsys.readouterr().err
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_another_recipe_or_data_set_is_refused(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(make_set(64))
    with pytest.raises(ResumeError, match=r"recipe\.lr was 0\.1, is 0\.3"):
        Trainer(make_net(), RECIPE.replace(lr=0.3), output_dir=tmp_path, progress=False).fit(make_set(64))
    with pytest.raises(ResumeError, match=r"train\.images was 64, is 48"):
        Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(make_set(48))
    Trainer(make_net(), RECIPE.replace(lr=0.3), output_dir=tmp_path, resume="never", progress=False).fit(make_set(64))


def test_training_goes_on_when_the_disk_is_full(
    tmp_path: Path, make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = Trainer(make_net(), RECIPE, progress=False)
    unbroken.fit(make_set(64))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    last = Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False)
    with pytest.warns(CheckpointWarning, match="No space left"):
        last.fit(make_set(64))
    assert same(outcome(unbroken), outcome(last))
    assert (tmp_path / "model.safetensors").is_file()


def test_a_recipe_that_cannot_be_run_leaves_the_old_run(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(make_set(64))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    wrong = RECIPE.replace(freeze=(("convv", 0.5),))
    with pytest.raises(RecipeError, match="convv"):
        Trainer(make_net(), wrong, output_dir=tmp_path, resume="never", progress=False).fit(make_set(64))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_restart_by_torchrun_goes_on_whatever_was_asked(
    tmp_path: Path, make_net: Nets, make_set: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start has removed the old run; each restart would remove what this one has reached."""
    steps: list[int] = []

    def hook(step: int, _: object) -> None:
        steps.append(step)
        if len(steps) == 6:
            raise ZeroDivisionError

    settings: dict[str, Any] = {"resume": "never", "output_dir": tmp_path, "progress": False, "on_step": hook}
    with pytest.raises(ZeroDivisionError):
        Trainer(make_net(), RECIPE, **settings).fit(make_set(64))
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    Trainer(make_net(), RECIPE, **settings).fit(make_set(64))
    assert steps == [*range(1, 7), *range(5, STEPS + 1)]  # from the end of the first epoch


def test_pixels_under_another_mean_are_another_run(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    train = make_set(64)
    Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(train)
    other = restated(train, mean=[0.1] * 3, std=[1.0] * 3)
    with pytest.raises(ResumeError, match=r"train\.mean was "):
        Trainer(make_net(), RECIPE, output_dir=tmp_path, progress=False).fit(other)


def test_a_run_that_began_with_weights_knows_its_data_too(tmp_path: Path, make_net: Nets, make_set: Sets) -> None:
    train = make_set(64)
    for found in (train, replace(train, fingerprint="other"), replace(train, split="extra")):
        model = make_net()
        model.card = Card(arch="x", num_classes=4, mean=[0.1] * 3, std=[0.9] * 3, sha256="ab")
        trainer = Trainer(model, RECIPE, output_dir=tmp_path, progress=False)
        if found is train:
            trainer.fit(found)
        else:
            with pytest.raises(ResumeError, match=r"train\.(fingerprint|split) was 't"):
                trainer.fit(found)


@pytest.mark.parametrize("then, now, begun_from", [("ab", None, "ab"), (None, "cd", None), ("ab", "cd", "ab")])
def test_the_card_names_what_the_run_began_with_not_what_it_was_taken_up_with(
    then: str | None, now: str | None, begun_from: str | None, tmp_path: Path, make_net: Nets, make_set: Sets
) -> None:
    def model_of(sha256: str | None) -> nn.Module:
        model = make_net()
        model.card = None if sha256 is None else Card(arch="x", num_classes=4, sha256=sha256)
        return model

    def stop(step: int, _: Tensor) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(model_of(then), RECIPE, output_dir=tmp_path, progress=False, on_step=stop).fit(make_set())
    model = model_of(now)
    Trainer(model, RECIPE, output_dir=tmp_path, progress=False).fit(make_set())
    assert model.card.begun_from == begun_from
    again = make_net()
    trainer = Trainer(again, RECIPE, output_dir=tmp_path, progress=False)
    trainer.fit(make_set())
    assert again.card == model.card
    assert trainer.state is not None
    assert trainer.state.step == STEPS
