"""Operations of a run, against a count by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cifarzoo.layers.conv import Conv2d
from cifarzoo.recipes import Recipe
from cifarzoo.training.flops import training_pflop
from cifarzoo.training.history import EpochRecord, History

SIDE = 8
FIRST, SECOND = 2 * 3 * 4 * 9 * SIDE**2, 2 * 4 * 5 * 9 * SIDE**2  # of an image forward: two 3x3 convolutions
HEAD = 2 * 5 * 7


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.in_channels = 3
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)
        self.head = nn.Linear(5, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x)).mean((2, 3)))


def counted(**changes: object) -> float:
    return training_pflop(Net(), Recipe(epochs=3, **changes), images=1000, size_px=SIDE)  # type: ignore[arg-type]


def test_forward_and_twice_backward_but_for_the_input_s_gradient() -> None:
    assert counted() == pytest.approx((2 * FIRST + 3 * SECOND + 3 * HEAD) * 1000 / 1e15)


def test_smaller_pictures_cost_less() -> None:
    whole = 2 * FIRST + 3 * SECOND
    expected = (0.25 * whole / 4 + 0.75 * whole + 3 * HEAD) * 1000 / 1e15
    assert counted(sizes=((0.25, SIDE // 2),)) == pytest.approx(expected)


def test_by_the_clock_small_pictures_count_as_many_as_their_time_has_seen() -> None:
    whole = 2 * FIRST + 3 * SECOND
    record = {"lr": 0.1, "train_loss": 1.0, "train_top1": 50.0, "images_per_s": 1.0}
    first = EpochRecord(epoch=1, step=6, seconds=1.0, **record)
    second = EpochRecord(epoch=2, step=10, seconds=3.0, **record)
    recipe = Recipe(seconds=4, sizes=((0.25, SIDE // 2),))  # a quarter of the time, 6 of 10 steps
    pflop = training_pflop(
        Net(), recipe, images=1000, size_px=SIDE, history=History(steps_per_epoch=5, records=[first, second])
    )
    assert pflop == pytest.approx((0.6 * whole / 4 + 0.4 * whole + 3 * HEAD) * 1000 / 1e15)


def test_frozen_layers_have_no_backward_pass() -> None:
    free = 2 * FIRST + 3 * SECOND + 3 * HEAD
    frozen = FIRST + 2 * SECOND + 3 * HEAD  # the second needs no gradient of its input either
    assert counted(freeze=(("first", 0.5),)) == pytest.approx((0.5 * free + 0.5 * frozen) * 1000 / 1e15)


def test_the_model_is_left_alone() -> None:
    net = Net().eval()
    training_pflop(net, Recipe(epochs=1, freeze=(("first", 0.0),)), images=1, size_px=SIDE)
    assert not net.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())


def test_a_convolution_counts_as_the_plain_sum() -> None:
    """On a CPU one of many channels takes fewer operations; what a run costs is not to depend on the machine."""
    model = nn.Sequential(Conv2d(3, 96), Conv2d(96, 96), nn.Flatten(), nn.LazyLinear(2))
    model(torch.zeros(1, 3, 64, 64))
    first, second, head = 2 * 3 * 96 * 9 * 64**2, 2 * 96 * 96 * 9 * 64**2, 2 * 96 * 64**2 * 2
    counted_flop = training_pflop(model, Recipe(epochs=1), images=1, size_px=64) * 1e15
    assert counted_flop == pytest.approx(2 * first + 3 * second + 3 * head)
