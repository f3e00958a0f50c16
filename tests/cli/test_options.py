"""Options that several commands share."""

from __future__ import annotations

import inspect

import pytest

from cifarzoo.cli import evaluate, lr_find, models, predict, train
from cifarzoo.cli.options import AsJson, Device, Download, RecipeName, Root, Settings, Size


@pytest.mark.parametrize(
    ("command", "shared"),
    [
        (models.list_models, {"as_json": AsJson}),
        (models.info, {"as_json": AsJson}),
        (train.train, {"as_json": AsJson, "device": Device, "root": Root, "size": Size, "download": Download}),
        (train.train, {"recipe": RecipeName, "settings": Settings}),
        (lr_find.lr_find, {"recipe": RecipeName, "settings": Settings, "as_json": AsJson}),
        (evaluate.evaluate, {"as_json": AsJson, "device": Device, "root": Root, "size": Size, "download": Download}),
        (predict.predict, {"as_json": AsJson, "device": Device}),
    ],
)
def test_commands_use_the_shared_options(command, shared: dict) -> None:
    found = inspect.signature(command, eval_str=True).parameters
    assert {name: found[name].annotation for name in shared} == shared


def test_help_says_how_many_images_a_part_has(cli) -> None:
    words = " ".join(cli("train", "--help").out.replace("│", " ").split())
    assert "about N images: the same share of each class, and one at least" in words
