from __future__ import annotations

import cifarzoo.models  # noqa: F401  (fills the registry)
from cifarzoo import registry
from cifarzoo.recipes import REPORT


def test_nine_rows_in_the_order_of_the_report() -> None:
    assert [row.row for row in REPORT] == [f"T{number}" for number in range(2, 11)]
    assert all(0 < row.top1 < 100 and row.epochs > 0 and row.loss > 0 for row in REPORT)


def test_parameters_agree_with_the_models() -> None:
    for row in REPORT:
        if row.model in registry.names():
            assert round(registry.find(row.model).params / 1e6, 2) == row.params / 1e6, row.model
