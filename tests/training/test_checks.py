from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.errors import CifarZooError, RecipeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.checks import check_data, check_fit, check_outputs, choose_device


def test_what_fits_passes(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    check_fit(make_net(), Recipe(batch_size=16), make_set(16), make_set(4, split="test"))
    check_data(nn.Linear(1, 1), make_set(4))  # a module that says nothing about itself


def test_a_model_without_a_head(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    model.num_classes = 0
    with pytest.raises(SettingError, match="num_classes=0"):
        check_data(model, make_set(4))


@pytest.mark.parametrize(
    "settings, count, size, words",
    [
        ({"num_classes": 10}, 16, 16, "4 classes.*num_classes=10.*create it with num_classes=4"),
        ({"in_channels": 1}, 16, 16, "3 channels.*in_channels=1"),
        ({}, 16, 7, "7x7 px.*8 px"),
        ({}, 0, 16, "no image"),
    ],
)
def test_data_that_do_not_fit_the_model(
    settings: dict[str, int],
    count: int,
    size: int,
    words: str,
    make_set: Callable[..., Any],
    make_net: Callable[..., nn.Module],
) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        check_data(make_net(**settings), make_set(count, size=size))
    assert "\n" not in str(caught.value)


def test_a_batch_larger_than_the_set(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(RecipeError, match=r"batch_size \(=17\).*16 training images"):
        check_fit(make_net(), Recipe(batch_size=17), make_set(16), None)


def test_a_model_that_is_compiled_already(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(SettingError, match="give the plain one, with compile=True"):
        check_fit(torch.compile(make_net()), Recipe(batch_size=4), make_set(16), None)


def test_other_classes_in_the_test_set(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    other = replace(make_set(4), classes=("b", "a", "c", "d"))
    with pytest.raises(SettingError, match="different classes"):
        check_fit(make_net(), Recipe(batch_size=4), make_set(16), other)


def test_other_channels_in_the_test_set(make_set: Callable[..., Any]) -> None:
    grey = replace(make_set(4), images=make_set(4).images[:, :1])
    with pytest.raises(SettingError, match="3 and 1 channels"):
        check_fit(nn.Linear(1, 1), Recipe(batch_size=4), make_set(16), None, grey)


@pytest.mark.parametrize(
    "shrink, side, words", [("window", 17, "windows of 17 px, the pictures have 16"), ("resize", 7, "7 px")]
)
def test_sizes_that_model_or_pictures_lack(
    shrink: str, side: int, words: str, make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    model = make_net()
    model.min_size = 8
    recipe = Recipe(batch_size=4, sizes=((0.5, side),), shrink=shrink)
    with pytest.raises(RecipeError, match=words):
        check_fit(model, recipe, make_set(16))
    check_fit(model, recipe.replace(sizes=((0.5, 16),)), make_set(16))


def plain(outputs: int, in_channels: int = 3, side: int = 16) -> nn.Module:
    """A module that says nothing about itself and takes one size only."""
    return nn.Sequential(nn.Conv2d(in_channels, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * side**2, outputs))


def probe(model: nn.Module, *datasets: Any, precision: str = "fp32") -> None:
    check_outputs(model, *datasets, precision=precision, device=torch.device("cpu"))


@pytest.mark.parametrize(
    "model, words",
    [
        (plain(7), r"Sequential gives \(2, 7\) for 2 pictures of 16x16 px with 3 channels, not \(2, 4\).*4 outputs"),
        (plain(3), r"\(2, 3\).*4 outputs"),
        (plain(4, in_channels=1), "does not take pictures of 16x16 px with 3 channels .*build it for these"),
        (plain(4, side=8), "does not take pictures of 16x16 px"),
        (nn.Flatten(0), r"\(1536,\)"),
        (nn.GRU(16, 4), "does not take"),
    ],
)
def test_a_module_that_does_not_give_a_logit_for_each_class(
    model: nn.Module, words: str, make_set: Callable[..., Any]
) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        probe(model, make_set(4))
    assert "\n" not in str(caught.value)


def test_every_shape_is_tried(make_set: Callable[..., Any]) -> None:
    probe(plain(4), make_set(16), None, make_set(1))
    with pytest.raises(SettingError, match="does not take pictures of 12x12 px"):
        probe(plain(4), make_set(16), None, make_set(4, size=12))


def test_the_sizes_of_a_run_are_tried_too(make_set: Callable[..., Any]) -> None:
    of_any_size = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    cpu = torch.device("cpu")
    check_outputs(of_any_size, make_set(4), sides_px=(8, 12), precision="fp32", device=cpu)
    check_outputs(plain(4), make_set(4), sides_px=(16,), precision="fp32", device=cpu)
    with pytest.raises(SettingError, match="does not take pictures of 8x8 px"):
        check_outputs(plain(4), make_set(4), sides_px=(16, 8), precision="fp32", device=cpu)


def test_trying_changes_nothing(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    model.norm.eval()
    model.drop.register_forward_hook(lambda _, __, output: output + torch.rand(1))
    before, state = {name: tensor.clone() for name, tensor in model.state_dict().items()}, torch.get_rng_state()
    probe(model, make_set(4))
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items())
    assert torch.equal(torch.get_rng_state(), state)
    assert (model.training, model.norm.training, model.conv.training) == (True, False, True)


def test_lazy_modules_and_halves_pass(make_set: Callable[..., Any]) -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(4))
    probe(lazy, make_set(4))
    assert lazy[1].weight.shape == (4, 3 * 16 * 16)
    lazy(torch.rand(2, 3, 16, 16)).sum().backward()
    probe(plain(4).bfloat16(), make_set(4), precision="bf16")


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert choose_device("auto") == torch.device("cpu")
    for name in ("cuda:99", "abacus", "mps:7", "meta"):
        with pytest.raises(CifarZooError, match=rf"'{name}'.*try"):
            choose_device(name)


def test_each_process_of_torchrun_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def ones(*_: object, device: object) -> torch.Tensor:  # as if there were GPUs
        tried.append(device)
        return torch.zeros(1)

    monkeypatch.setattr(torch, "ones", ones)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert choose_device("cuda") == torch.device("cuda", 3)
    assert tried == ["cuda:3"]
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")
