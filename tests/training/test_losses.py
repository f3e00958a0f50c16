from __future__ import annotations

import math

import pytest
import torch

from cifarzoo.errors import DivergedError
from cifarzoo.training.losses import Meter, check_finite, cross_entropy


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


def test_meter_weighs_batches_by_their_images() -> None:
    meter = Meter("cpu")
    meter.add(torch.tensor(1.0), torch.eye(4)[:3], torch.tensor([0, 1, 3]))  # two of three right
    meter.add(torch.tensor(5.0), torch.eye(4)[:1], torch.tensor([[0.7, 0.3, 0.0, 0.0]]))  # right
    loss, top1 = meter.read()
    assert loss == pytest.approx((3 * 1.0 + 5.0) / 4)
    assert top1 == pytest.approx(75.0)
    assert meter.images == 4


def test_an_empty_meter_says_so() -> None:
    assert all(math.isnan(value) for value in Meter("cpu").read())


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_names_step_and_lr(loss: float) -> None:
    check_finite(1e30, step=1, lr=0.1)
    with pytest.raises(DivergedError, match=r"step 17 with lr=0\.25"):
        check_finite(loss, step=17, lr=0.25)
