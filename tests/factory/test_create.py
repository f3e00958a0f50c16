"""From a name to a model, without a trace in the global random state."""

import importlib.metadata
import sys

import pytest
import torch
from factory_fakes import FACTS, Tiny, random_states, same_weights
from torch import nn

import cifarzoo
from cifarzoo import factory, registry
from cifarzoo.errors import SettingError, UnknownModelError


def test_create_gives_the_registered_variant(x):
    model = cifarzoo.create("tiny_wide")
    assert isinstance(model, Tiny)
    assert model(x).shape == (2, 10)
    assert (model.arch, model.settings, model.card, model.default_input_size) == ("tiny_wide", {}, None, 16)
    assert model.stem.out_channels == 6
    assert model.training


def test_create_passes_what_is_asked_for():
    model = cifarzoo.create("tiny_wide", num_classes=0, in_channels=1, widths=(2, 5))
    assert model(torch.rand(2, 1, 8, 8)).shape == (2, 5)
    assert model.settings == {"widths": (2, 5)}


@pytest.mark.parametrize("name", ["tiny", "baseline_cnn"])
def test_seed_makes_the_same_model_and_touches_nothing(name):
    before = random_states()
    one, same, other = (cifarzoo.create(name, seed=seed) for seed in (1, 1, 2))
    assert random_states() == before
    assert same_weights(one, same)
    assert not same_weights(one, other)


def test_without_a_seed_the_global_state_decides():
    torch.manual_seed(4)
    one, other = cifarzoo.create("tiny"), cifarzoo.create("tiny")
    torch.manual_seed(4)
    assert same_weights(cifarzoo.create("tiny"), one)
    assert not same_weights(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_seed_holds_on_a_gpu_too():
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    with torch.device("cuda"):
        assert same_weights(cifarzoo.create("tiny", seed=1), cifarzoo.create("tiny", seed=1))
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_create_reads_no_file_and_no_network():
    touched, watching = [], [True]

    def hook(event, arguments):
        if watching and event.partition(".")[0] in ("open", "socket", "subprocess"):
            touched.append((event, arguments))

    cifarzoo.create("tiny")  # a first call may import
    sys.addaudithook(hook)
    try:
        cifarzoo.create("tiny", num_classes=3)
    finally:
        watching.clear()
    assert touched == []


def test_models_of_other_packages_are_found(monkeypatch):
    class Entry:
        def load(self):
            registry.register("guest", Tiny, **FACTS)

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Entry()] * (group == "cifarzoo.models"))
    factory._load_plugins.cache_clear()
    assert "guest" in cifarzoo.list_models()
    assert cifarzoo.list_models("gue*") == ["guest"]
    assert cifarzoo.model_info("guest").builder is Tiny
    assert isinstance(cifarzoo.create("guest"), Tiny)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_classes": -1}, r"num_classes \(=-1\) must be an integer of at least 0"),
        ({"num_classes": 2.0}, r"num_classes \(=2\.0\) must be an integer"),
        ({"num_classes": True}, r"num_classes \(=True\) must be an integer"),
        ({"in_channels": 0}, r"in_channels \(=0\) must be an integer of at least 1"),
        ({"seed": -1}, r"seed \(=-1\) must be an integer of at least 0"),
        ({"seed": "1"}, r"seed \(='1'\) must be an integer"),
        ({"width": 3}, r"tiny has no setting 'width'; its settings are: widths"),
        ({"normalize": True}, r"normalize=True needs trained weights.*add pretrained="),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(SettingError, match=message):
        cifarzoo.create("tiny", **arguments)


@pytest.mark.parametrize("name", ["tiny.cifar10", "tiny."])
def test_a_tag_asks_for_weights(name):
    with pytest.raises(SettingError, match=r"add pretrained=True, or create\('tiny'\)"):
        cifarzoo.create(name)


def test_an_unknown_name_gets_the_nearest():
    for call in (cifarzoo.create, cifarzoo.model_info):
        with pytest.raises(UnknownModelError, match=r"no model is named 'tinny'; nearest: tiny, "):
            call("tinny")


def test_a_builder_of_something_else_is_refused():
    registry.register("foreign", lambda *, num_classes, in_channels: nn.Linear(1, 1), **FACTS)
    with pytest.raises(SettingError, match=r"foreign builds a Linear, not a cifarzoo\.models\.Classifier"):
        cifarzoo.create("foreign")
