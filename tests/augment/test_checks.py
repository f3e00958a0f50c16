"""Checks of strengths name the value and the rule."""

from __future__ import annotations

import math

import pytest

from cifarzoo.augment import checks
from cifarzoo.errors import SettingError

BAD = [
    (lambda: checks.check_probability("prob", 1.5), r"prob \(=1.5\) must be a probability"),
    (lambda: checks.check_probability("prob", math.nan), r"prob \(=nan\)"),
    (lambda: checks.check_strength("hue", 0.6, limit=0.5), r"hue \(=0.6\) must be from 0 to 0.5"),
    (lambda: checks.check_strength("angle_deg", -1.0), r"angle_deg \(=-1.0\) must be at least 0"),
    (lambda: checks.check_strength("angle_deg", math.nan), r"angle_deg \(=nan\)"),
    (lambda: checks.check_count("bits", 9, most=8), r"bits \(=9\) must be a whole number from 0 to 8"),
    (lambda: checks.check_count("bits", 2.0), r"bits \(=2.0\) must be a whole number"),
    (lambda: checks.check_range("scale", (1.0, 0.5), low=0.0), r"scale \(=\(1.0, 0.5\)\)"),
    (lambda: checks.check_range("scale", (0.0, 0.5), low=0.0), "above 0"),
    (lambda: checks.check_range("scale", (0.5, 2.0), low=0.0, high=1.0), "to 1"),
    (lambda: checks.check_choice("mode", "mirror", ("zero", "reflect")), "one of: zero, reflect"),
    (lambda: checks.check_positive("alpha", 0.0), r"alpha \(=0.0\) must be above 0"),
    (lambda: checks.check_interpolation("cubic"), "nearest, bilinear"),
]


@pytest.mark.parametrize(("check", "message"), BAD)
def test_bad(check, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check()


def test_good() -> None:
    checks.check_probability("prob", 1.0)
    checks.check_strength("hue", 0.5, limit=0.5)
    checks.check_count("bits", 8, most=8)
    checks.check_range("scale", (0.5, 0.5), low=0.0, high=1.0)
    checks.check_choice("mode", "zero", ("zero", "reflect"))
    checks.check_positive("alpha", 1e-9)
    checks.check_interpolation("bilinear")
