"""`cifarzoo recipes`."""

from __future__ import annotations

import json

from cifarzoo import recipes
from cifarzoo.cli.choice import choose_recipe


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


def test_show_takes_what_train_takes(cli) -> None:
    shown = cli("recipes", "show", "speednet.cifar10", "--json").out
    wanted = choose_recipe("speednet.cifar10", model=None, data=None)
    assert recipes.Recipe.from_json(shown) == wanted
    assert (wanted.model, wanted.data) == ("speednet", "cifar10")


def test_an_unknown_recipe_is_one_line(cli) -> None:
    code, out, err = cli("recipes", "show", "digit")
    assert (code, out) == (2, "")
    assert "nearest: digits" in err
    assert err.count("\n") == 1
