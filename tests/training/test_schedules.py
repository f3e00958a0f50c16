from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.errors import RecipeError
from cifarzoo.training.schedules import SCHEDULES, lr_fraction

NAMES = st.sampled_from(sorted(SCHEDULES))


@st.composite
def lengths(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(2, 400))
    return total, draw(st.integers(0, total - 2))


@given(NAMES, lengths(), st.floats(0, 1))
def test_rises_to_the_peak_then_never_rises_again(name: str, length: tuple[int, int], final: float) -> None:
    total, warmup = length
    values = [lr_fraction(name, step, total=total, warmup=warmup, final_frac=final) for step in range(total)]
    assert values[warmup] == pytest.approx(1.0)
    assert max(values) <= 1.0 + 1e-12
    assert all(0 < value < 1 for value in values[:warmup])
    assert all(a < b for a, b in itertools.pairwise(values[: warmup + 1]))
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(values[warmup:]))


@given(st.sampled_from(["linear", "cosine", "onecycle", "triangle", "wsd"]), lengths(), st.floats(0, 1))
def test_ends_at_its_final_fraction(name: str, length: tuple[int, int], final: float) -> None:
    total, warmup = length
    assert lr_fraction(name, total - 1, total=total, warmup=warmup, final_frac=final) == pytest.approx(final)


@given(lengths())
def test_linear_falls_by_equal_amounts(length: tuple[int, int]) -> None:
    total, warmup = length
    values = [lr_fraction("linear", step, total=total, warmup=warmup) for step in range(warmup, total)]
    falls = [a - b for a, b in itertools.pairwise(values)]
    assert falls == pytest.approx([falls[0]] * len(falls))


def test_cosine_is_half_way_down_in_the_middle_and_flat_at_both_ends() -> None:
    values = [lr_fraction("cosine", step, total=101) for step in range(101)]
    assert values[50] == pytest.approx(0.5)
    assert values == pytest.approx([(1 + math.cos(math.pi * step / 100)) / 2 for step in range(101)])


def test_constant_stays() -> None:
    assert {lr_fraction("constant", step, total=9) for step in range(9)} == {1.0}


def test_triangle_has_two_straight_sides() -> None:
    values = [lr_fraction("triangle", step, total=21, warmup=5, final_frac=0.05) for step in range(21)]
    assert values[:6] == pytest.approx([0.2, 0.36, 0.52, 0.68, 0.84, 1.0])
    assert [a - b for a, b in itertools.pairwise(values[5:])] == pytest.approx([0.95 / 15] * 15)


def test_wsd_stays_at_the_peak_and_falls_in_the_last_fifth() -> None:
    values = [lr_fraction("wsd", step, total=101, warmup=10, final_frac=0.0) for step in range(101)]
    assert values[10:81] == [1.0] * 71
    assert [a - b for a, b in itertools.pairwise(values[80:])] == pytest.approx([0.05] * 20)


def test_unknown_name() -> None:
    with pytest.raises(RecipeError, match=r"'stairs'.*cosine"):
        lr_fraction("stairs", 0, total=1)
