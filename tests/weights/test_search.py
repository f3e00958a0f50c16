"""Weights by name: looked for in order, and never taken unchecked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from weight_fakes import FILE, NAME, assert_right, put

from cifarzoo.errors import IntegrityError, UnknownModelError
from cifarzoo.weights import Card, info, names, read, search

pytestmark = pytest.mark.usefixtures("places")


def test_the_order_of_search(places: dict[str, Path]) -> None:
    for value, place in enumerate(["cache", "other", "one", "package"]):
        put(places[place], value=value, epochs=value)
        assert_right(value)
        assert info(NAME).epochs == value
    assert names() == [NAME]


def test_a_card_in_the_package_finds_its_weights_in_a_named_folder(places: dict[str, Path]) -> None:
    put(places["package"], weights=False)
    put(places["other"])
    assert_right()


def test_names_are_those_of_cards(places: dict[str, Path]) -> None:
    put(places["one"])
    for file in ("other.set.json", "recipe.json", ".hidden.json", "x.y.txt"):
        (places["other"] / file).write_text("{}")
    (places["other"] / "gone.set.json").symlink_to("nowhere.json")
    assert names() == ["net.toys", "other.set"]


def test_an_architecture_stands_for_its_first_tag(places: dict[str, Path]) -> None:
    put(places["one"])
    (places["one"] / "net.aaa.json").write_text(Card(arch="net", tag="aaa", num_classes=2).to_json())
    assert info("net").tag == "aaa"


def test_the_package_s_tags_come_first(places: dict[str, Path]) -> None:
    put(places["package"])
    (places["one"] / "net.aaa.json").write_text(Card(arch="net", tag="aaa", num_classes=2).to_json())
    assert (info("net").tag, info("net.aaa").tag) == ("toys", "aaa")


@pytest.mark.parametrize("name", ["net.other", "nut.toys"])
def test_weights_under_another_name_are_refused(places: dict[str, Path], name: str) -> None:
    put(places["one"])
    for ending in (".json", ".safetensors"):
        (places["one"] / f"{NAME}{ending}").rename(places["one"] / f"{name}{ending}")
    with pytest.raises(IntegrityError, match=rf"tag \(='toys'\) of other weights than {name}; give card and"):
        read(name)


def test_weights_without_a_tag_may_bear_any(places: dict[str, Path]) -> None:
    """Those of a run, copied by hand."""
    (places["one"] / "net.mine.json").write_text(Card(arch="net", num_classes=2).to_json())
    assert info("net.mine").tag is None


def test_no_such_weights() -> None:
    with pytest.raises(
        UnknownModelError, match=r"published for 'net' \(nearest: none yet; looked in .+\); train it"
    ) as error:
        read("net")
    assert all(str(folder) in str(error.value) for folder in search.folders())
    with pytest.raises(UnknownModelError, match="no pretrained weights are there yet; train a model"):
        search.default()


def test_another_tag_is_told_of(places: dict[str, Path]) -> None:
    put(places["one"])
    with pytest.raises(UnknownModelError, match=r"no weights are named 'net\.toy'; of net there are: net\.toys"):
        read("net.toy")
    with pytest.raises(UnknownModelError, match=r"nearest: net\.toys"):
        read("nut")


def test_the_default_is_the_quick_one_where_it_is(places: dict[str, Path]) -> None:
    put(places["one"])
    assert search.default() == NAME
    (places["one"] / f"{search.PREFERRED}.json").write_text("{}")
    assert search.default() == search.PREFERRED


def test_a_damaged_card(places: dict[str, Path]) -> None:
    (places["one"] / f"{NAME}.json").write_text('{"arch": ')
    with pytest.raises(IntegrityError, match=r"net\.toys\.json is not JSON"):
        read(NAME)


@pytest.mark.parametrize("place, remedy", [("package", "reinstall cifarzoo"), ("one", "copy it there again")])
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c[:-1] + b"?", lambda c: c + b"?", lambda c: b""])
def test_a_wrong_file_is_named(
    places: dict[str, Path], place: str, remedy: str, change: Callable[[bytes], bytes]
) -> None:
    put(places[place])
    path = places[place] / FILE
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(IntegrityError, match=remedy) as caught:
        read(NAME)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    put(places[place])
    assert_right()
