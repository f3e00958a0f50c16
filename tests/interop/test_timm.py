"""The models through timm's own doors."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from timm.data import resolve_data_config
from torch import nn

import cifarzoo
from cifarzoo.errors import SettingError, UnknownModelError
from cifarzoo.interop.timm import register
from cifarzoo.weights import Card, save_weights

BEFORE = {name: timm.models.model_entrypoint(name) for name in timm.list_models()}
NAMES = register()
SMALL = "cifarzoo_residual_cnn"


def images(channels: int = 3, side: int = 32) -> torch.Tensor:
    return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def test_every_model_is_there_and_no_name_of_timms_is_taken() -> None:
    assert [f"cifarzoo_{name}" for name in cifarzoo.list_models()] == NAMES
    assert timm.list_models("cifarzoo_*") == NAMES
    assert not BEFORE.keys() & set(NAMES)
    assert all(timm.models.model_entrypoint(name) is entrypoint for name, entrypoint in BEFORE.items())


def test_calling_it_again_changes_nothing() -> None:
    entrypoints = [timm.models.model_entrypoint(name) for name in NAMES]
    state = torch.get_rng_state()
    assert register() == NAMES
    assert [timm.models.model_entrypoint(name) for name in NAMES] == entrypoints
    assert torch.equal(torch.get_rng_state(), state)


def test_a_name_that_is_taken_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def theirs(pretrained: bool = False) -> nn.Module:
        return nn.Identity()

    monkeypatch.setitem(timm.models._registry._model_entrypoints, SMALL, theirs)
    register()
    assert timm.models.model_entrypoint(SMALL) is theirs


@pytest.mark.parametrize("name", NAMES)
def test_pretrained_cfg_is_filled(name: str) -> None:
    spec = cifarzoo.model_info(name.removeprefix("cifarzoo_"))
    cfg = timm.get_pretrained_cfg(name)
    assert cfg.architecture == name
    assert cfg.input_size == (3, spec.input_size, spec.input_size)
    assert cfg.min_input_size == (3, spec.min_size, spec.min_size)
    assert cfg.num_classes == spec.num_classes
    assert not cfg.has_weights
    model = cifarzoo.create(spec.name)
    assert model.get_submodule(cfg.first_conv).in_channels == 3
    assert model.get_submodule(cfg.classifier) is model.get_classifier()
    with torch.no_grad():
        features = model.eval().forward_features(torch.zeros(1, *cfg.input_size))
    assert features.shape[2:] == cfg.pool_size


def test_create_model() -> None:
    model = timm.create_model(SMALL, num_classes=7, in_chans=1, drop_rate=0.25)
    assert (model.num_classes, model.in_channels, model.dropout.p) == (7, 1, 0.25)
    assert model(images(1)).shape == (2, 7)
    assert resolve_data_config({}, model=model)["input_size"] == (3, 32, 32)
    torch.manual_seed(0)
    ours = cifarzoo.create("residual_cnn").state_dict()
    torch.manual_seed(0)
    theirs = timm.create_model(SMALL).state_dict()
    assert all(torch.equal(theirs[key], value) for key, value in ours.items())


def test_unknown_settings_are_named() -> None:
    with pytest.raises(SettingError, match="depths"):
        timm.create_model(SMALL, drop_path_rate=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_features_only(name: str) -> None:
    model = timm.create_model(name, features_only=True, in_chans=2).eval()
    ours = cifarzoo.create(name.removeprefix("cifarzoo_"), num_classes=0)
    info, side = ours.feature_info, 64 - ours.border_px
    with torch.no_grad():
        features = model(images(2, 64))
    assert model.feature_info.channels() == [stage["num_chs"] for stage in info]
    assert model.feature_info.reduction() == [stage["reduction"] for stage in info]
    wanted = [(2, stage["num_chs"], side // stage["reduction"], side // stage["reduction"]) for stage in info]
    assert [feature.shape for feature in features] == wanted


def test_features_are_those_of_the_model() -> None:
    torch.manual_seed(0)
    extractor = timm.create_model(SMALL, features_only=True, out_indices=(0, 3)).eval()
    model = cifarzoo.create("residual_cnn", seed=0).eval()
    with torch.no_grad():
        first, last = extractor(images())
        assert torch.equal(last, model.forward_features(images()))
        assert torch.equal(first, model.stages[0](model.stem(images())))


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "torch"])
def test_save_for_hf_and_local_dir(tmp_path: Path, safe: bool) -> None:
    model = timm.create_model(SMALL, num_classes=5).eval()
    timm.models.save_for_hf(model, tmp_path, safe_serialization=safe)
    again = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    with torch.no_grad():
        assert torch.equal(again(images()), model(images()))
    headless = timm.create_model(f"local-dir:{tmp_path}", pretrained=True, num_classes=3, in_chans=1).eval()
    assert headless(images(1)).shape == (2, 3)
    kept = "stages.1.1.conv.weight"
    assert torch.equal(headless.state_dict()[kept], model.state_dict()[kept])


def test_pretrained_takes_our_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = cifarzoo.create("residual_cnn", num_classes=3, seed=0).eval()
    card = Card(arch="residual_cnn", tag="toys", num_classes=3, classes=["a", "b", "c"])
    save_weights(model.state_dict(), card, tmp_path / "residual_cnn.toys.safetensors")
    monkeypatch.setenv("CIFARZOO_WEIGHTS", str(tmp_path))
    again = timm.create_model(SMALL, pretrained=True, num_classes=3).eval()
    with torch.no_grad():
        assert torch.equal(again(images()), model(images()))


def test_pretrained_without_weights_is_an_error() -> None:
    with pytest.raises(UnknownModelError, match="no weights are published"):
        timm.create_model("cifarzoo_baseline_cnn", pretrained=True)
