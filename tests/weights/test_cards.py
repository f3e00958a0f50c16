"""A card comes back as it was written, and anything else is refused by name."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.errors import IntegrityError
from cifarzoo.weights import Card

numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
cards = st.builds(
    Card,
    arch=st.text(),
    num_classes=st.just(3),
    settings=st.dictionaries(st.text(), json_values, max_size=3),
    tag=st.none() | st.text(),
    mean=st.none() | st.lists(numbers, min_size=3, max_size=3),
    classes=st.none() | st.lists(st.text(), min_size=3, max_size=3),
    top1=st.none() | numbers,
    per_class=st.none() | st.dictionaries(st.text(), numbers),
    train_images=st.none() | st.integers(0),
)


@given(cards)
def test_round_trip(card):
    text = card.to_json()
    assert Card.from_json(text, source="card") == card
    assert list(json.loads(text)) == [item.name for item in dataclasses.fields(Card)]


def test_a_card_may_leave_out_what_has_a_default():
    assert Card.from_json('{"arch": "a", "num_classes": 3}', source="card") == Card(arch="a", num_classes=3)


def test_whole_numbers_pass_for_floats():
    """JSON writers of other languages drop the point."""
    card = Card.from_json('{"arch": "a", "num_classes": 3, "top1": 93, "mean": [0, 0.5, 1]}', source="card")
    assert card.top1 == 93
    assert card.mean == [0, 0.5, 1]


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_card_or_an_error(content):
    with pytest.raises(IntegrityError, match=r"^here is not"):
        Card.from_json(content, source="here")


@pytest.mark.parametrize(
    "text, named",
    {
        "[" * 100_000: "not JSON",
        '{"num_classes": 3}': r"lacks \['arch'\]",
        '{"arch": "a", "num_classes": 3, "zeal": 1}': r"unknown keys \['zeal'\]",
        '{"arch": 7, "num_classes": 3}': "arch is 7",
        '{"arch": "a", "num_classes": null}': "num_classes is None",
        '{"arch": "a", "num_classes": true}': "num_classes is True",
        '{"arch": "a", "num_classes": 3.5}': "num_classes is 3.5",
        '{"arch": "a", "num_classes": 3, "settings": null}': "settings is None",
        '{"arch": "a", "num_classes": 3, "mean": [0.5, "x"]}': "mean is",
        '{"arch": "a", "num_classes": 3, "per_class": {"cat": "x"}}': "per_class is",
        '{"arch": "a", "num_classes": 3, "classes": "abc"}': "classes is 'abc'",
    }.items(),
)
def test_what_is_wrong_is_named(text, named):
    with pytest.raises(IntegrityError, match=named) as caught:
        Card.from_json(text, source="here")
    assert "\n" not in str(caught.value)


def test_a_long_wrong_value_is_cut_short():
    with pytest.raises(IntegrityError) as caught:
        Card.from_json(json.dumps({"arch": "a", "num_classes": 3, "tag": ["x"] * 10_000}), source="here")
    assert len(str(caught.value)) < 300


def test_a_card_of_an_adapted_model_keeps_what_is_still_true():
    card = Card(
        arch="net",
        num_classes=2,
        classes=["a", "b"],
        top1=90.0,
        sha256="0",
        input_size=8,
        mean=[0.1, 0.2, 0.3],
        std=[1.0] * 3,
    )
    head = card.with_new_head(7)
    assert (head.classes, head.top1, head.sha256, head.mean, head.input_size) == (None, None, None, card.mean, 8)
    assert head.num_classes == 7
    stem = card.with_channels(1)
    assert (stem.classes, stem.top1, stem.mean, stem.in_channels) == (["a", "b"], None, [pytest.approx(0.2)], 1)
    assert card.with_channels(4).mean == [0.1, 0.2, 0.3, 0.1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_classes": -1},
        {"in_channels": 0},
        {"input_size": -8},
        {"classes": ["a"]},
        {"mean": [0.5]},
        {"std": [0.5, 0.5]},
        {"std": [0.5, 0.0, 0.5]},
    ],
)
def test_a_card_of_an_impossible_model_is_refused(wrong):
    """Cards come from anywhere, and what they say is used as it is."""
    (key,) = wrong
    with pytest.raises(IntegrityError, match=rf"c\.json is not a card \({key} is "):
        Card.from_json(json.dumps({"arch": "net", "num_classes": 2, **wrong}), source="c.json")
