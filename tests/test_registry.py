"""The catalogue: one model a name, and errors that name what would have been legal."""

import dataclasses

import pytest
from torch import nn

from cifarzoo import registry
from cifarzoo.errors import SettingError, UnknownModelError

FACTS = {"summary": "a test's", "input_size": 32, "num_classes": 10, "params": 1, "macs": 1, "min_size": 8}


class Tiny(nn.Module):
    def __init__(self, *, num_classes, in_channels=3, width=4, depth=1):
        super().__init__()


@pytest.fixture(autouse=True)
def own_catalogue(monkeypatch):
    monkeypatch.setattr(registry, "_SPECS", {})


def test_a_registered_model_is_found():
    spec = registry.register("tiny", Tiny, settings={"width": 8}, paper="Nobody, 2020", report_row="T1", **FACTS)
    assert registry.find("tiny") is spec
    assert spec.name == "tiny"
    assert spec.builder is Tiny
    assert spec.family == "test_registry"
    assert spec.settings == {"width": 8}
    assert spec.legal_settings == ("width", "depth")
    assert {name: getattr(spec, name) for name in FACTS} == FACTS
    assert (spec.paper, spec.report_row) == ("Nobody, 2020", "T1")


def test_a_spec_does_not_change():
    given = {"width": 8}
    spec = registry.register("tiny", Tiny, settings=given, **FACTS)
    given["width"] = 9
    assert spec.settings == {"width": 8}
    with pytest.raises(TypeError):
        spec.settings["width"] = 9
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.params = 2


def test_a_name_is_taken_once():
    first = registry.register("tiny", Tiny, **FACTS)
    with pytest.raises(SettingError, match="'tiny' is registered already; choose another"):
        registry.register("tiny", Tiny, settings={"width": 8}, **FACTS)
    assert registry.find("tiny") is first


@pytest.mark.parametrize(
    "name", ["", "Tiny", "2tiny", "_tiny", "tiny.x", "ti-ny", "tiny ", "tiny\n", "t\u00efny", "tiny/x"]
)
def test_a_malformed_name_is_refused(name):
    with pytest.raises(SettingError, match="must be lower case letters, digits and underscores"):
        registry.register(name, Tiny, **FACTS)
    assert registry.names() == []


@pytest.mark.parametrize("setting", ["widths", "num_classes", "in_channels"])
def test_settings_are_the_family_s_own(setting):
    with pytest.raises(SettingError, match=f"tiny has no setting '{setting}'; its settings are: width, depth"):
        registry.register("tiny", Tiny, settings={setting: 1}, **FACTS)
    assert registry.names() == []


def test_a_family_without_settings():
    spec = registry.register("bare", lambda *, num_classes, in_channels: None, **FACTS)
    with pytest.raises(SettingError, match="its settings are: none"):
        registry.check_settings(spec, {"width": 1})


def test_an_unknown_name_gets_the_three_nearest():
    for name in ("tiny8", "tiny16", "tiny32", "wholly_different"):
        registry.register(name, Tiny, **FACTS)
    with pytest.raises(UnknownModelError) as caught:
        registry.find("tiny18")
    nearest = str(caught.value).partition("nearest: ")[2].partition(" (")[0].split(", ")
    assert sorted(nearest) == ["tiny16", "tiny32", "tiny8"]
    with pytest.raises(UnknownModelError, match=r"nearest: .*wholly_different"):
        registry.find("wholy_diferent")


def test_names_are_sorted_and_matched():
    for name in ("b_net", "a_net", "net_a"):
        registry.register(name, Tiny, **FACTS)
    assert registry.names() == ["a_net", "b_net", "net_a"]
    assert registry.names("*_net") == ["a_net", "b_net"]
    assert registry.names("[b-n]*") == ["b_net", "net_a"]
    assert registry.names("A*") == []
