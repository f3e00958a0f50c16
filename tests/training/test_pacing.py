from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.pacing import Freezer, frozen_at, resized, size_at


def test_sizes_rise_and_end_with_the_pictures_own() -> None:
    recipe = Recipe(sizes=((0.25, 16), (0.5, 24)))
    assert [size_at(recipe, step / 8) for step in range(8)] == [16, 16, 24, 24, None, None, None, None]
    assert size_at(Recipe(), 0.0) is None


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_resizing_keeps_brightness_and_memory_order(layout: torch.memory_format) -> None:
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)
    small = resized(images, 16)
    assert small.shape == (2, 3, 16, 16)
    assert small.is_contiguous(memory_format=layout)
    torch.testing.assert_close(small.mean((2, 3)), images.mean((2, 3)), atol=0.02, rtol=0)
    assert resized(images, None) is images
    assert resized(images, 32) is images


def test_the_shorter_side_counts() -> None:
    assert resized(torch.zeros(1, 3, 20, 30), 10).shape == (1, 3, 10, 15)


def trainable(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_layers_freeze_when_due_and_learn_again_afterwards(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    model.norm.bias.requires_grad_(False)  # the user's own choice stays
    recipe = Recipe(freeze=(("conv", 0.5), ("norm", 0.75)))
    assert [len(frozen_at(recipe, fraction)) for fraction in (0.0, 0.49, 0.5, 0.75)] == [0, 0, 1, 2]
    with Freezer(model, recipe) as freezer:
        freezer.apply(0.1)
        assert trainable(model) == {"conv.weight", "norm.weight", "head.weight", "head.bias"}
        freezer.apply(0.5)
        assert trainable(model) == {"norm.weight", "head.weight", "head.bias"}
        freezer.apply(0.9)
        assert trainable(model) == {"head.weight", "head.bias"}
    assert trainable(model) == {"conv.weight", "norm.weight", "head.weight", "head.bias"}


def test_names_that_do_not_exist_and_nothing_left(make_net: Callable[..., nn.Module]) -> None:
    with pytest.raises(RecipeError, match="'stem'"):
        Freezer(make_net(), Recipe(freeze=(("stem", 0.0),)))
    with pytest.raises(RecipeError, match="no parameter to learn"):
        Freezer(make_net(), Recipe(freeze=(("", 0.0),)))
