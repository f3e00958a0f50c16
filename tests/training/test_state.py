from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from cifarzoo.errors import ResumeError
from cifarzoo.recipes import Recipe
from cifarzoo.recipes.recipe import CHOICES
from cifarzoo.training.averaging import Average
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.losses import Meter, batch_sums
from cifarzoo.training.optim import create_optimizer
from cifarzoo.training.selection import Selection
from cifarzoo.training.state import RunState


def make_state(model: nn.Module, optimizer: str = "sgd") -> RunState:
    recipe = Recipe(optimizer=optimizer, average="ema", average_every=1)
    average = Average(model, recipe)
    selection = Selection(model, enabled=True)
    return RunState(
        model=model, optimizer=create_optimizer(model, recipe), average=average, selection=selection, meter=Meter("cpu")
    )


def step(state: RunState) -> None:
    torch.manual_seed(state.step)
    logits = state.model(torch.randn(4, 3, 16, 16))
    loss = logits.square().mean()
    loss.backward()
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.meter.add(batch_sums(loss.detach(), logits.detach(), torch.arange(4)))
    state.step += 1
    state.images += 4
    state.average.update(state.step, state.step / 10)
    state.epoch_s += 0.5


@pytest.mark.parametrize("optimizer", CHOICES["optimizer"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_restored_state_goes_on_bit_for_bit(
    optimizer: str, layout: torch.memory_format, make_net: Callable[..., nn.Module]
) -> None:
    state = make_state(make_net(0).to(memory_format=layout), optimizer)
    step(state)
    state.selection.offer(12.5, epoch=1)
    state.end_epoch(None)
    step(state)
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state.tensors().items()}
    facts = json.loads(json.dumps(state.facts()))
    other = make_state(make_net(1).to(memory_format=layout), optimizer)
    other.restore(tensors, facts)
    for _ in range(2):
        step(state)
        step(other)
    assert state.facts() == other.facts()
    assert state.epoch == other.epoch == 1
    for name, tensor in state.tensors().items():
        assert torch.equal(tensor, other.tensors()[name]), name
        assert tensor.stride() == other.tensors()[name].stride(), name


def test_an_epoch_ends_with_its_record(make_net: Callable[..., nn.Module]) -> None:
    state = make_state(make_net())
    step(state)
    step(state)
    loss, top1 = state.meter.read()
    result = Evaluation(top1=12.5, top5=50.0, loss=2.0, ece=0.1, per_class={}, images=8, views=1)
    state.lr = 0.25
    record = state.end_epoch(result, replace(result, top1=37.5))
    assert (record.epoch, record.step, record.lr, record.seconds, record.images_per_s) == (1, 2, 0.25, 1.0, 8.0)
    assert (record.train_loss, record.train_top1, record.test_top1, record.test_loss) == (loss, top1, 12.5, 2.0)
    assert record.holdout_top1 == 37.5
    assert (state.epoch, state.epoch_s, state.images, state.images_per_s) == (1, 0.0, 0, 0.0)
    assert state.history.records == [record]
    state.epoch_s = 0.25
    assert state.elapsed_s == 1.25


def test_the_state_of_another_model_is_refused(make_net: Callable[..., nn.Module]) -> None:
    one, other = make_state(make_net()), make_state(make_net(num_classes=5))
    with pytest.raises(ResumeError, match="other tensors"):
        other.restore(one.tensors(), one.facts())
    with pytest.raises(ResumeError, match="other tensors"):
        make_state(make_net(), "adam").restore(one.tensors(), one.facts())
