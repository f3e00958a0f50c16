from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import cifarzoo
from cifarzoo.layers.normalize import Normalize, normalizes


@given(
    mean=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    std=st.floats(0.05, 1),
    batch=st.integers(0, 3),
)
def test_takes_mean_and_std_off(mean: list[float], std: float, batch: int) -> None:
    layer = Normalize(mean, [std] * len(mean))
    wanted = torch.randn(batch, len(mean), 2, 3)
    pixels = wanted * std + torch.tensor(mean)[:, None, None]
    torch.testing.assert_close(layer(pixels), wanted, rtol=1e-3, atol=1e-4)


def test_only_a_model_with_this_layer_normalises_by_itself() -> None:
    model = cifarzoo.create("baseline_cnn", num_classes=2)
    assert not normalizes(model)
    model.normalize = Normalize((0.5,) * 3, (0.25,) * 3)
    assert normalizes(model)
    foreign = nn.Linear(1, 1)
    foreign.normalize = False  # a word of its own
    assert not normalizes(foreign)


def test_is_no_part_of_the_state_dict() -> None:
    assert not Normalize((0.5,), (0.2,)).state_dict()


def test_follows_the_model_to_a_dtype() -> None:
    layer = Normalize((0.5,), (0.25,)).to(torch.bfloat16)
    assert layer(torch.zeros(1, 1, 1, 1, dtype=torch.bfloat16)).dtype == torch.bfloat16  # float32 would win
