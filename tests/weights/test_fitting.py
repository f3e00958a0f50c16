"""Weights fit as they are, or their stem is fitted; anything else is named."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cifarzoo.errors import IntegrityError
from cifarzoo.weights.fitting import load_strictly, with_channels


def net(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


@given(trained=st.integers(1, 5), wanted=st.integers(1, 9))
def test_channels_that_are_all_the_same_are_seen_as_before(trained: int, wanted: int) -> None:
    before, after = net(trained).eval(), net(wanted).eval()
    fitted = with_channels(before.state_dict(), after, trained=trained, wanted=wanted)
    load_strictly(after, fitted, source="here")
    if wanted == 1 or wanted % trained == 0:
        x = torch.rand(2, 1, 6, 6)
        torch.testing.assert_close(
            after(x.expand(-1, wanted, -1, -1)), before(x.expand(-1, trained, -1, -1)), rtol=1e-4, atol=1e-5
        )
    assert all(
        torch.equal(fitted[key], value) for key, value in before.state_dict().items() if not key.startswith("0.w")
    )


def test_four_channels_are_the_first_one_again() -> None:
    filters = torch.rand(4, 3, 3, 3)
    fitted = with_channels({"0.weight": filters}, net(4), trained=3, wanted=4)["0.weight"]
    assert torch.equal(fitted, filters[:, [0, 1, 2, 0]] * 0.75)


def test_what_differs_in_more_than_the_input_is_left() -> None:
    state = {"0.weight": torch.rand(5, 3, 3, 3), "2.weight": torch.rand(2, 3, 1, 1)}
    fitted = with_channels(state, net(1), trained=3, wanted=1)
    assert all(torch.equal(fitted[key], state[key]) for key in state)


def test_all_that_does_not_fit_is_named_in_order() -> None:
    state = net(3).state_dict()
    for key in ("0.bias", "2.bias"):
        state[f"z.{key}"] = state.pop(key)
    state["1.weight"] = torch.rand(5)
    with pytest.raises(IntegrityError) as caught:
        load_strictly(net(3), state, source="file")
    assert str(caught.value) == (
        "file does not fit the model: missing ['0.bias', '2.bias'], unexpected ['z.0.bias', 'z.2.bias'], of another "
        "shape ['1.weight']"
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_stored_numbers_become_those_of_the_model(dtype: torch.dtype) -> None:
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in net(3).state_dict().items()}
    model = net(3)
    load_strictly(model, state, source="here")
    for key, value in model.state_dict().items():
        assert value.dtype == (torch.float32 if value.is_floating_point() else torch.int64)
        assert torch.equal(value, state[key].to(value.dtype))
