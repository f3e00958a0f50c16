from __future__ import annotations

import math
from typing import Any

import pytest

from cifarzoo.errors import RecipeError
from cifarzoo.recipes.validation import check_choice, check_known, check_range, coerce, parse

PAIRS = tuple[tuple[str, float], ...]


@pytest.mark.parametrize("ends, legal", [("[)", [0, 0.5]), ("(]", [0.5, 1]), ("[]", [0, 0.5, 1]), ("()", [0.5])])
def test_ranges(ends: str, legal: list[float]) -> None:
    for value in (-0.1, 0, 0.5, 1, 1.1):
        if value in legal:
            check_range("x", value, low=0, high=1, ends=ends)
        else:
            with pytest.raises(RecipeError, match=rf"x \(={value}\) must be .* and .* 1$"):
                check_range("x", value, low=0, high=1, ends=ends)


def test_none_is_in_every_range_and_no_upper_end_is_not_mentioned() -> None:
    check_range("x", None, low=5)
    with pytest.raises(RecipeError, match=r"must be at least 5$"):
        check_range("x", 4, low=5)


@pytest.mark.parametrize(
    "value, annotation, result",
    [
        (1, float, 1),
        (1.5, float, 1.5),
        (None, float | None, None),
        ("a", str | None, "a"),
        (True, bool, True),
        ([["a", 1], ["b", 0.5]], PAIRS, (("a", 1), ("b", 0.5))),
        ((), PAIRS, ()),
    ],
)
def test_values_of_a_type(value: Any, annotation: Any, result: Any) -> None:
    assert coerce("x", value, annotation) == result


@pytest.mark.parametrize(
    "value, annotation",
    [
        (1.0, int),
        (True, int),
        (1, bool),
        (True, float),
        ("1", float),
        (math.nan, float),
        (math.inf, float | None),
        (None, str),
        ("ab", PAIRS),
        ([["a"]], PAIRS),
        ([["a", 1, 2]], PAIRS),
        ([[1, 1]], PAIRS),
        ({}, PAIRS),
    ],
)
def test_values_of_another_type(value: Any, annotation: Any) -> None:
    with pytest.raises(RecipeError, match=r"x .*must be of type"):
        coerce("x", value, annotation)


def test_text() -> None:
    assert parse("x", "1e-3", float) == 1e-3
    assert parse("x", "True", bool) is True
    assert parse("x", "1", str) == "1"
    assert parse("x", "None", float | None) is None
    assert parse("x", "null", str | None) is None
    assert parse("x", '[["a", 0.5]]', PAIRS) == [["a", 0.5]]
    with pytest.raises(RecipeError, match=r"x \(='quick'\).*JSON"):
        parse("x", "quick", float)


def test_names_and_choices() -> None:
    check_known("lr", ["lr"])
    with pytest.raises(RecipeError, match=r"'lrr'; nearest: lr"):
        check_known("lrr", ["lr", "epochs"])
    check_choice("x", 2, (1, 2))
    with pytest.raises(RecipeError, match=r"x \(=3\) must be one of: 1, 2"):
        check_choice("x", 3, (1, 2))
