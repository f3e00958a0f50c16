"""`cifarzoo recipes`."""

from __future__ import annotations

import json

from cifarzoo import recipes


def test_list_has_every_recipe(cli) -> None:
    records = json.loads(cli("recipes", "list", "--json").out)
    assert [record["name"] for record in records] == recipes.names()
    code, out, _ = cli("recipes", "list")
    assert code == 0
    assert "quick" in out


def test_show_is_the_recipe(cli) -> None:
    shown = json.loads(cli("recipes", "show", "digits", "--json").out)
    assert recipes.Recipe.from_json(json.dumps(shown)) == recipes.get("digits")
    assert "label_smoothing" in cli("recipes", "show", "digits").out


def test_an_unknown_recipe_is_one_line(cli) -> None:
    code, out, err = cli("recipes", "show", "digit")
    assert (code, out) == (2, "")
    assert "nearest: digits" in err
    assert err.count("\n") == 1
