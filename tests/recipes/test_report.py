from __future__ import annotations

import cifarzoo.models  # noqa: F401  (fills the registry)
from cifarzoo import recipes, registry
from cifarzoo.recipes import REPORT


def test_nine_rows_in_the_order_of_the_report() -> None:
    assert [row.row for row in REPORT] == [f"T{number}" for number in range(2, 11)]
    assert all(0 < row.top1 < 100 and row.epochs > 0 and row.loss > 0 for row in REPORT)


def test_parameters_agree_with_the_models() -> None:
    for row in REPORT:
        if row.model in registry.names():
            assert round(registry.find(row.model).params / 1e6, 2) == row.params / 1e6, row.model


def test_each_row_has_a_recipe_that_says_what_the_report_says() -> None:
    assert [row.recipe for row in REPORT] == [name for name in recipes.names() if name.startswith("report/")]
    for row in REPORT:
        recipe = recipes.get(row.recipe)
        assert (recipe.model, recipe.data, recipe.epochs) == (row.model, row.dataset, row.epochs)
    chosen = {row.row: recipes.get(row.recipe) for row in REPORT}
    assert {chosen[row].optimizer for row in ("T2", "T3", "T4")} == {"adam"}
    assert {chosen[row].optimizer for row in ("T5", "T6", "T7", "T8", "T9", "T10")} == {"adamw"}
    assert [chosen[row].augment for row in ("T2", "T5", "T6", "T10")] == [
        "baseline",
        "baseline",
        "colorjitter",
        "strong",
    ]
    assert chosen["T10"].batch_size == 1000
