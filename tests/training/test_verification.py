"""A card against a measurement."""

from __future__ import annotations

import pytest

from cifarzoo.training import Evaluation
from cifarzoo.training.verification import compare
from cifarzoo.weights import Card


def measured(top1: float = 93.17, top5: float = 99.8, ece: float = 0.03) -> Evaluation:
    return Evaluation(top1=top1, top5=top5, loss=0.2, ece=ece, per_class={}, images=10_000, views=1)


def card(**fields: float | None) -> Card:
    return Card(arch="net", num_classes=10, **{"top1": 93.17, "top5": 99.8, "ece": 0.03, **fields})


def test_the_same_holds() -> None:
    assert [(check.name, check.holds) for check in compare(card(), measured())] == [
        ("top1", True),
        ("top5", True),
        ("ece", True),
    ]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("field, unit", [("top1", 1), ("top5", 1), ("ece", 0.01)])
def test_five_hundredths_of_a_point_are_the_limit(field: str, unit: float, sign: int) -> None:
    said = getattr(card(), field)
    near, far = (compare(card(**{field: said + sign * by * unit}), measured()) for by in (0.05, 0.06))
    assert all(check.holds for check in near)
    assert [check.name for check in far if not check.holds] == [field]


def test_what_a_card_leaves_out_is_not_compared() -> None:
    assert [check.name for check in compare(card(top5=None, ece=None), measured())] == ["top1"]
