from __future__ import annotations

import contextlib
import math

import pytest
import torch

from cifarzoo.training.losses import Meter, backward, batch_sums, cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_hard_and_soft_targets_agree_and_both_with_the_formula(smoothing: float) -> None:
    logits = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(7) % 5
    soft = torch.nn.functional.one_hot(targets, 5).float()
    smoothed = soft * (1 - smoothing) + smoothing / 5
    expected = -(smoothed * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(cross_entropy(logits, targets, smoothing), expected)
    torch.testing.assert_close(cross_entropy(logits, soft, smoothing), expected)


def test_is_computed_in_float32() -> None:
    assert cross_entropy(torch.zeros(2, 3, dtype=torch.bfloat16), torch.tensor([0, 1])).dtype == torch.float32


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("soft", [False, True])
def test_parts_add_up_to_the_gradient_of_the_whole(parts: int, soft: bool) -> None:
    images, targets = torch.randn(7, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(7) % 5
    if soft:
        targets = torch.nn.functional.one_hot(targets, 5).float() * 0.8 + 0.04
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 5))
    expected = cross_entropy(model(images), targets, 0.1)
    expected.backward()
    gradient = model[1].weight.grad.clone()
    model.zero_grad()
    loss, logits = backward(model, images, targets, parts=parts, label_smoothing=0.1, autocast=contextlib.nullcontext)
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(logits, model(images).detach())
    torch.testing.assert_close(model[1].weight.grad, gradient)
    assert not loss.requires_grad and not logits.requires_grad


@pytest.mark.parametrize("images, parts, sizes", [(10, 4, [3, 3, 2, 2]), (10, 9, [2] + [1] * 8), (3, 8, [1, 1, 1])])
def test_parts_are_as_many_as_asked_for_and_as_equal_as_can_be(images: int, parts: int, sizes: list[int]) -> None:
    seen = []

    def forward(some: torch.Tensor) -> torch.Tensor:
        seen.append(len(some))
        return some @ torch.ones(2, 2, requires_grad=True)

    targets = torch.zeros(images, dtype=torch.int64)
    batch = torch.ones(images, 2)
    backward(forward, batch, targets, parts=parts, label_smoothing=0.0, autocast=contextlib.nullcontext)
    assert seen == sizes


def test_the_forward_pass_runs_in_the_context() -> None:
    seen = []

    def forward(images: torch.Tensor) -> torch.Tensor:
        seen.append(torch.is_autocast_enabled("cpu"))
        return images.flatten(1) @ weight

    weight = torch.ones(4, 2, requires_grad=True)
    backward(
        forward,
        torch.ones(2, 1, 2, 2),
        torch.tensor([0, 1]),
        parts=2,
        label_smoothing=0.0,
        autocast=lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    )
    assert seen == [True, True]


def test_meter_weighs_batches_by_their_images() -> None:
    meter = Meter("cpu")
    meter.add(batch_sums(torch.tensor(1.0), torch.eye(4)[:3], torch.tensor([0, 1, 3])))  # two of three right
    meter.add(batch_sums(torch.tensor(5.0), torch.eye(4)[:1], torch.tensor([[0.7, 0.3, 0.0, 0.0]])))  # right
    meter.add(batch_sums(torch.tensor(torch.nan), torch.eye(4)[:2], torch.tensor([0, 0])), counted=torch.tensor(False))
    loss, top1 = meter.read()
    assert loss == pytest.approx((3 * 1.0 + 5.0) / 4)
    assert top1 == pytest.approx(75.0)
    meter.reset()
    assert all(math.isnan(value) for value in meter.read())
