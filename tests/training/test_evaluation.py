from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from cifarzoo.errors import DivergedError, SettingError
from cifarzoo.layers.normalize import Normalize
from cifarzoo.training import evaluate
from cifarzoo.training.evaluation import as_model_expects, calibration_error, compute_logits, summarize
from cifarzoo.training.views import average_over_views


def normalised(dataset: Any) -> Tensor:
    pixels = dataset.images.float() / 255
    return (pixels - torch.tensor(dataset.mean).view(1, -1, 1, 1)) / torch.tensor(dataset.std).view(1, -1, 1, 1)


@pytest.mark.parametrize("batch_size", [1, 7, 30, 500])
def test_agrees_with_the_plain_formulas_at_any_batch_size(
    batch_size: int, make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    dataset, model = make_set(30), make_net()
    with torch.no_grad():
        logits = model.eval()(normalised(dataset))
    model.train()
    result = evaluate(model, dataset, batch_size=batch_size)
    assert result.top1 == pytest.approx((logits.argmax(1) == dataset.targets).float().mean().item() * 100)
    assert result.top5 == 100.0  # there are four classes
    assert result.loss == pytest.approx(nn.functional.cross_entropy(logits, dataset.targets).item(), rel=1e-5)
    assert (result.images, result.views) == (30, 1)
    right = logits.argmax(1) == dataset.targets
    assert result.per_class == {
        name: pytest.approx(100 * right[dataset.targets == index].float().mean().item())
        for index, name in enumerate(dataset.classes)
    }
    assert model.training


def test_top5_counts_the_five_best() -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.arange(10.0, 0.0, -1.0).repeat(len(x), 1)

    targets = torch.tensor([0, 4, 5, 9])
    dataset = SimpleNamespace(
        images=torch.zeros(4, 3, 8, 8, dtype=torch.uint8),
        targets=targets,
        classes=[str(i) for i in range(10)],
        mean=[0.0] * 3,
        std=[1.0] * 3,
    )
    result = evaluate(Fixed(), dataset)
    assert (result.top1, result.top5) == (25.0, 50.0)


def test_a_models_own_mean_and_std_come_first(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    dataset, model = make_set(30), make_net()
    expected = evaluate(model, dataset)
    misstated = replace(dataset, mean=(0.9, 0.9, 0.9), std=(3.0, 3.0, 3.0))
    assert evaluate(model, misstated) != expected
    model.card = SimpleNamespace(mean=list(dataset.mean), std=list(dataset.std))
    assert evaluate(model, misstated) == expected
    model.normalize = Normalize(dataset.mean, dataset.std)
    assert as_model_expects(model, misstated).mean == [0.0, 0.0, 0.0]


def test_mode_comes_back_when_the_model_raises(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model = make_net()
    model.head = nn.Linear(1, 4)
    with pytest.raises(RuntimeError):
        evaluate(model, make_set(4))
    assert model.training


@pytest.mark.parametrize("views", [1, 2, 6])
def test_views_are_those_asked_for(
    views: int, make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    dataset, model = make_set(30), make_net().eval()
    with torch.no_grad():
        expected = average_over_views(model, normalised(dataset), views)
    torch.testing.assert_close(
        compute_logits(model, dataset, views=views, batch_size=7), expected, rtol=1e-4, atol=1e-5
    )
    result = evaluate(model, dataset, views=views)
    assert result.views == views
    assert result.loss == pytest.approx(nn.functional.cross_entropy(expected, dataset.targets).item(), rel=1e-4)


def test_calibration_error_of_known_cases() -> None:
    sure = torch.full((100,), 0.8, dtype=torch.float64)
    right = torch.arange(100) < 80
    assert calibration_error(sure, right) == pytest.approx(0.0, abs=1e-12)
    assert calibration_error(sure, torch.ones(100, dtype=torch.bool)) == pytest.approx(0.2)
    assert calibration_error(torch.ones(4), torch.zeros(4, dtype=torch.bool)) == pytest.approx(1.0)
    two = torch.cat([torch.full((50,), 0.5), torch.full((50,), 0.9)])
    assert calibration_error(two, torch.arange(100) % 2 == 0) == pytest.approx((0 + 0.4) / 2, abs=1e-6)


@given(st.integers(1, 200), st.integers(0, 99))
def test_calibration_error_against_a_plain_loop(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(count, generator=generator, dtype=torch.float64)
    right = torch.rand(count, generator=generator) < confidence
    expected = 0.0
    for index in range(15):
        rows = (confidence > index / 15) & (confidence <= (index + 1) / 15)
        if rows.any():
            expected += rows.sum().item() / count * abs(confidence[rows].mean() - right[rows].double().mean()).item()
    assert calibration_error(confidence, right) == pytest.approx(expected, abs=1e-9)


def test_a_class_without_images_is_left_out() -> None:
    result = summarize(torch.eye(3)[:2], torch.tensor([0, 2]), ["a", "b", "c"])
    assert result.per_class == {"a": 100.0, "c": 0.0}
    assert result.top1 == 50.0


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_outputs_that_are_not_finite_have_no_accuracy(value: float) -> None:
    logits = torch.eye(3)
    logits[1, 2] = value
    with pytest.raises(DivergedError, match=r"not finite on 1 of 3 images.*lower lr"):
        summarize(logits, torch.tensor([0, 1, 2]), ["a", "b", "c"])


def test_bad_arguments(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(SettingError, match=r"views \(=3\)"):
        evaluate(make_net(), make_set(4), views=3)
    with pytest.raises(SettingError, match="num_classes"):
        evaluate(make_net(num_classes=5), make_set(4))
