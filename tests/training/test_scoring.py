from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.recipes import Recipe
from cifarzoo.training import evaluate, scoring
from cifarzoo.training.averaging import Average
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.losses import Meter
from cifarzoo.training.optim import create_optimizer
from cifarzoo.training.progress import Progress
from cifarzoo.training.ranks import Ranks
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.scoring import Scorer
from cifarzoo.training.selection import Selection
from cifarzoo.training.session import Session
from cifarzoo.training.signals import StopRequest
from cifarzoo.training.state import RunState

Nets, Sets = Callable[..., nn.Module], Callable[..., Any]


@pytest.fixture
def make(make_net: Nets, make_set: Sets) -> Callable[..., tuple[Scorer, RunState]]:
    def build(recipe: Recipe, *, test: bool = True, holdout: bool = False) -> tuple[Scorer, RunState]:
        model = make_net()
        state = RunState(
            model=model,
            optimizer=create_optimizer(model, recipe),
            average=Average(model, recipe),
            selection=Selection(model, enabled=holdout),
            meter=Meter("cpu"),
        )
        scorer = Scorer(
            model,
            recipe,
            Session(StopRequest(), Progress(), Ranks(), RunFolder(None)),
            train=make_set(16),
            test=make_set(40, seed=1) if test else None,
            holdout=make_set(24, seed=2) if holdout else None,
            precision="bf16",
            allocator=False,
        )
        return scorer, state

    return build


def shift(model: nn.Module, by: float) -> None:
    with torch.no_grad():
        model.head.bias[0] += by


def test_epochs_are_scored_when_due_and_the_last_in_fp32(
    make: Callable[..., tuple[Scorer, RunState]], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    monkeypatch.setattr(
        scoring, "evaluate", lambda *args, precision, **rest: used.append(precision) or evaluate(*args, **rest)
    )
    scorer, state = make(Recipe(evaluate_every=2))
    results = []
    for epoch in range(1, 4):
        results.append(scorer.epoch(state, last=epoch == 3)[0])
        state.end_epoch(results[-1])
    assert [result is not None for result in results] == [False, True, True]
    assert used == ["bf16", "fp32"]
    assert scorer.final(state) == (results[-1], None)
    assert len(used) == 2, "the last epoch's result is not worked out twice"


def test_the_average_is_scored_and_the_weights_come_back(make: Callable[..., tuple[Scorer, RunState]]) -> None:
    scorer, state = make(Recipe(average="ema", average_every=1, average_decay=0.5))
    plain = scorer.epoch(state, last=False)[0]
    shift(state.model, 50.0)  # now everything is taken for class 0
    state.average.update(1, 0.1)
    shift(state.model, -50.0)
    averaged = scorer.epoch(state, last=False)[0]
    assert isinstance(plain, Evaluation) and isinstance(averaged, Evaluation)
    assert averaged.per_class["a"] == 100.0
    assert averaged.loss > plain.loss + 1
    assert state.model.head.bias.abs().max() < 1


def test_the_best_on_the_held_out_set_is_what_is_left(make: Callable[..., tuple[Scorer, RunState]]) -> None:
    scorer, state = make(Recipe(views=2), holdout=True)
    first = scorer.epoch(state, last=False)
    state.end_epoch(*first)
    good = state.model.head.bias.detach().clone()
    state.selection.top1 = 26.0  # what follows is at 25: every image is taken for class 0
    shift(state.model, 50.0)
    second = scorer.epoch(state, last=True)
    assert second[1] is not None and second[1].top1 == 25.0
    result, with_views = scorer.final(state)
    assert torch.equal(state.model.head.bias, good)
    assert result is not None and result != second[0]
    assert with_views is not None and with_views.views == 2


def test_without_sets_nothing_is_scored(make: Callable[..., tuple[Scorer, RunState]]) -> None:
    scorer, state = make(Recipe(views=6), test=False)
    assert scorer.epoch(state, last=True) == (None, None)
    assert scorer.final(state) == (None, None)
