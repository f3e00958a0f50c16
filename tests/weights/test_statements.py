"""What cards say of each set."""

from __future__ import annotations

import pytest

from cifarzoo import data
from cifarzoo.weights import statements


@pytest.mark.parametrize("name", [name for name in data.names() if name != "folder"])
def test_every_set_has_its_statements(name: str) -> None:
    assert statements.title(name) in statements.data_license(name).replace("the digits", "digits") or name == "digits"
    assert statements.label_order(name) != statements.label_order(None)
    assert statements.title(name) in statements.intended_use(name, size_px=32, num_classes=10)
    assert name == "digits" or "may restrict use" in statements.data_license(name)


def test_other_sets_are_not_made_up() -> None:
    assert statements.data_license("mine") == "Trained on mine; the images' terms may restrict use."
    assert statements.near_duplicates("mine") == "Not counted."
