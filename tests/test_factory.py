"""From a name to a model and back from a file, without a trace in the global random state."""

import copy
import importlib.metadata
import sys
from types import SimpleNamespace

import pytest
import torch
from loopback import serving
from model_fakes import FACTS, Tiny, random_states, same_weights
from torch import nn

import cifarzoo
from cifarzoo import factory, registry
from cifarzoo.errors import DataError, IntegrityError, SettingError, UnknownModelError
from cifarzoo.weights import Card, save_weights, search
from cifarzoo.weights.fitting import AdaptedWarning

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


@pytest.fixture(autouse=True)
def own_catalogue(monkeypatch):
    monkeypatch.setattr(registry, "_SPECS", dict(registry._SPECS))
    registry.register("tiny", Tiny, **FACTS)
    registry.register("tiny_wide", Tiny, settings={"widths": (6, 9)}, **FACTS)


@pytest.fixture
def trained(tmp_path):
    """A weight file of tiny with five classes, and the model that was saved."""
    model = cifarzoo.create("tiny", num_classes=5, widths=(3, 7)).eval()
    classes = ["a", "b", "c", "d", "e"]
    card = Card(arch="tiny", num_classes=5, settings=model.settings, mean=MEAN, std=STD, classes=classes, input_size=12)
    save_weights(model.state_dict(), card, tmp_path / "model.safetensors")
    return tmp_path, model


@pytest.fixture
def x():
    return torch.rand(2, 3, 8, 8)


def test_create_gives_the_registered_variant(x):
    model = cifarzoo.create("tiny_wide")
    assert isinstance(model, Tiny) and model(x).shape == (2, 10)
    settings = {"widths": (6, 9)}  # on the card, should the registered ones change
    assert (model.arch, model.settings, model.card, model.default_input_size) == ("tiny_wide", settings, None, 16)
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


def test_load_gives_the_model_that_was_saved(trained, x):
    folder, model = trained
    before = random_states()
    for path in (folder, str(folder), folder / "model.safetensors"):
        loaded = cifarzoo.load(path)
        assert not loaded.training
        assert torch.equal(loaded(x), model(x))
        assert (loaded.arch, loaded.num_classes, loaded.card.classes) == ("tiny", 5, ["a", "b", "c", "d", "e"])
    assert random_states() == before


def test_pretrained_weights_are_ready_to_train_on(trained, x):
    folder, model = trained
    for widths in ({}, {"widths": (3, 7)}, {"widths": [3, 7]}):
        again = cifarzoo.create("tiny", pretrained=folder, **widths)
        assert again.training
        assert same_weights(again, model)
        assert again.card.classes == ["a", "b", "c", "d", "e"]


def test_pretrained_weights_may_have_an_address(trained, tmp_path, monkeypatch):
    folder, model = trained
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        server.fault = lambda handler, _: handler.give((folder / handler.path.strip("/")).read_bytes())
        for again in (cifarzoo.create("tiny", pretrained=server.url("model.safetensors")), cifarzoo.load(folder)):
            assert same_weights(again, model)


def test_pretrained_with_other_classes_gets_a_new_head(trained, x):
    folder, model = trained
    before = random_states()
    with pytest.warns(AdaptedWarning, match=r"its head for 4 classes \(trained: 5\) is new; train it") as said:
        one, other, third = (cifarzoo.create("tiny", pretrained=folder, num_classes=4, seed=s) for s in (1, 1, 2))
    assert len(said) == 3
    assert random_states() == before
    assert one(x).shape == (2, 4)
    assert same_weights(one, other)
    assert not same_weights(one, third)
    assert torch.equal(one.forward_features(x), model.forward_features(x))
    assert (one.card.num_classes, one.card.classes, one.card.sha256) == (4, None, None)
    assert (one.card.mean, one.card.std, one.card.input_size) == (MEAN, STD, 12)
    assert cifarzoo.create("tiny", pretrained=folder, num_classes=0)(x).shape == (2, 7)


def test_normalize_takes_pixels(trained, x):
    folder, model = trained
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    wanted = model((x - mean) / std)
    for loaded in (cifarzoo.load(folder, normalize=True), cifarzoo.create("tiny", pretrained=folder, normalize=True)):
        torch.testing.assert_close(loaded.eval()(x), wanted)
        assert same_weights(loaded, model)  # the numbers are no part of the weights
        torch.testing.assert_close(copy.deepcopy(loaded)(x), wanted)


def test_other_channels_get_a_fitted_stem(trained, x):
    """What is the same in all channels gives the same maps, whatever their number."""
    folder, model = trained
    grey = x[:, :1]
    for channels in (1, 2, 4, 6):
        with pytest.warns(AdaptedWarning, match=f"its stem is that of 3 channels fitted to {channels}$"):
            fitted = cifarzoo.create("tiny", pretrained=folder, in_channels=channels)
        if channels % 3 == 0 or channels == 1:
            torch.testing.assert_close(fitted(grey.expand(-1, channels, -1, -1)), model(grey.expand(-1, 3, -1, -1)))
        assert (fitted.in_channels, len(fitted.card.mean), fitted.card.classes) == (channels, channels, list("abcde"))
        assert (fitted.card.top1, fitted.card.sha256) == (None, None)
        assert torch.equal(fitted.classifier.weight, model.classifier.weight)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Weights tiny.toys and tiny.zoo, in half precision, in a folder that CIFARZOO_WEIGHTS names."""
    monkeypatch.setenv("CIFARZOO_WEIGHTS", str(tmp_path / "published"))
    monkeypatch.setattr(search, "PACKAGE", tmp_path / "nowhere")
    models = {}
    for tag, classes, dtype in (("toys", 5, torch.bfloat16), ("zoo", 2, torch.float16)):
        model = cifarzoo.create("tiny", num_classes=classes).to(dtype)
        card = Card(arch="tiny", tag=tag, num_classes=classes, mean=MEAN, std=STD, classes=list("abcde")[:classes])
        save_weights(model.state_dict(), card, tmp_path / "published" / f"tiny.{tag}.safetensors")
        models[tag] = model.float().eval()
    return models


def test_published_weights_by_name(published, x):
    for name, tag in (("tiny.toys", "toys"), ("tiny", "toys"), ("tiny.zoo", "zoo")):
        model = cifarzoo.create(name, pretrained=True)
        assert model.card.tag == tag
        assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
        assert torch.equal(model.eval()(x), published[tag](x))
    assert torch.equal(cifarzoo.load("tiny.zoo")(x), published["zoo"](x))


def test_published_weights_are_listed(published):
    assert cifarzoo.list_models(pretrained=True) == ["tiny.toys", "tiny.zoo"]
    assert cifarzoo.list_models("*.zoo", pretrained=True) == ["tiny.zoo"]
    assert cifarzoo.list_models("tiny", pretrained=True) == ["tiny.toys", "tiny.zoo"]
    assert "tiny.toys" not in cifarzoo.list_models()


def test_published_weights_predict_by_name(published):
    images = torch.randint(256, (3, 3, 20, 30), dtype=torch.uint8)
    found = cifarzoo.predict("tiny.toys", images, top=2)
    assert found == cifarzoo.predict(cifarzoo.load("tiny.toys"), images, top=2)
    assert set(found[0].classes) <= set("abcde")
    for top in ("3", None, True, 0):
        with pytest.raises(SettingError, match=r"top \(=.*\) must be an integer of at least 1"):
            cifarzoo.predict("tiny.toys", images, top=top)
    with pytest.raises(SettingError, match="num_classes=0 and gives features only"):
        cifarzoo.predict(cifarzoo.create("tiny", pretrained=True, num_classes=0), images)


def test_weights_that_are_not_published(published):
    with pytest.raises(UnknownModelError, match=r"no weights are named 'tiny\.cars'; of tiny there are: tiny\.toys"):
        cifarzoo.create("tiny.cars", pretrained=True)
    with pytest.raises(UnknownModelError, match=r"no weights are published for 'tiny_wide' .*; train it"):
        cifarzoo.create("tiny_wide", pretrained=True)


@pytest.fixture
def guest(monkeypatch):
    """A model that another package registers when it is asked."""
    entry = SimpleNamespace(load=lambda: registry.register("guest", Tiny, **FACTS))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry] * (group == "cifarzoo.models"))
    factory._load_plugins.cache_clear()


def test_models_of_other_packages_are_found(guest):
    assert "guest" in cifarzoo.list_models()
    assert cifarzoo.list_models("gue*") == ["guest"]
    assert cifarzoo.model_info("guest").builder is Tiny
    assert isinstance(cifarzoo.create("guest"), Tiny)


def test_weights_of_another_package_s_model_have_its_name(guest, published, tmp_path):
    card = Card(arch="guest", tag="toys", num_classes=10)
    save_weights(Tiny(num_classes=10).state_dict(), card, tmp_path / "published" / "guest.toys.safetensors")
    assert cifarzoo.load("guest").arch == "guest"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_classes": -1}, r"num_classes \(=-1\) must be an integer of at least 0"),
        ({"num_classes": 2.0}, r"num_classes \(=2\.0\) must be an integer"),
        ({"num_classes": True}, r"num_classes \(=True\) must be an integer"),
        ({"in_channels": None}, r"in_channels \(=None\) must be an integer of at least 1"),
        ({"pretrained": None}, r"pretrained \(=None\) must be True, False, a run"),
        ({"pretrained": 1}, r"pretrained \(=1\) must be"),
        ({"pretrained": ""}, r"pretrained \(=''\) must be"),
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
@pytest.mark.parametrize("source, other", [(False, ""), ("runs/x", ", pretrained='runs/x'")])
def test_a_tag_asks_for_weights(name, source, other):
    with pytest.raises(SettingError, match=rf"say pretrained=True, or create\('tiny'{other}\)"):
        cifarzoo.create(name, pretrained=source)


def test_an_unknown_name_gets_the_nearest():
    for call in (cifarzoo.create, cifarzoo.model_info):
        with pytest.raises(UnknownModelError, match=r"no model is named 'tinny'; nearest: tiny, "):
            call("tinny")


def test_a_builder_of_something_else_is_refused():
    registry.register("foreign", lambda *, num_classes, in_channels: nn.Linear(1, 1), **FACTS)
    with pytest.raises(SettingError, match=r"foreign builds a Linear, not a cifarzoo\.models\.Classifier"):
        cifarzoo.create("foreign")


def test_weights_that_do_not_fit_the_request(trained):
    folder, _ = trained
    with pytest.raises(SettingError, match="holds weights of 'tiny', not of 'tiny_wide'"):
        cifarzoo.create("tiny_wide", pretrained=folder)
    with pytest.raises(SettingError, match=r"was trained with settings .*3, 7.*leave yours"):
        cifarzoo.create("tiny", pretrained=folder, widths=(3, 8))
    with pytest.raises(DataError, match="is not there"):
        cifarzoo.create("tiny", pretrained=folder / "elsewhere")


def test_cards_that_lack_something_or_do_not_fit(tmp_path):
    state, card = cifarzoo.create("tiny").state_dict(), Card(arch="tiny", num_classes=10)
    save_weights(state, card, tmp_path / "model.safetensors")
    with pytest.raises(SettingError, match="needs a card with mean and std"):
        cifarzoo.load(tmp_path, normalize=True)
    state["bonus"], state["classifier.bias"] = state.pop("stem.bias"), torch.zeros(3)
    save_weights(state, card, tmp_path / "model.safetensors")
    message = r"missing \['stem\.bias'\], unexpected \['bonus'\], of another shape \['classifier\.bias'\]"
    with pytest.raises(IntegrityError, match=message):
        cifarzoo.load(tmp_path)
