from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from cifarzoo.errors import SettingError
from cifarzoo.layers.attention import Attention, AttentionBlock


def woken(module: nn.Module) -> nn.Module:
    """The module with no weight at zero."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def by_the_book(layer: Attention, x: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, a head at a time."""
    query, key, value = layer.qkv(x).chunk(3, dim=2)
    outputs = []
    for start in range(0, x.shape[2], layer.head_width):
        head = slice(start, start + layer.head_width)
        scores = query[..., head] @ key[..., head].transpose(1, 2) / layer.head_width**0.5
        outputs.append(scores.softmax(2) @ value[..., head])
    return layer.projection(torch.cat(outputs, 2))


@given(batch=st.integers(1, 3), tokens=st.integers(1, 7), heads=st.integers(1, 3))
def test_attention_is_the_formula(batch: int, tokens: int, heads: int) -> None:
    layer = woken(Attention(4 * heads, head_width=4))
    x = torch.randn(batch, tokens, 4 * heads)
    torch.testing.assert_close(layer(x), by_the_book(layer, x), rtol=1e-4, atol=1e-5)


@given(order=st.permutations(range(5)))
def test_block_permutes_with_its_tokens(order: list[int]) -> None:
    block = woken(AttentionBlock(8, head_width=4))
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(block(x[:, order]), block(x)[:, order], rtol=1e-4, atol=1e-5)


def test_new_block_passes_its_input_on() -> None:
    x = torch.randn(2, 5, 8)
    assert torch.equal(AttentionBlock(8, head_width=4)(x), x)


def test_hidden_layer_has_its_ratio() -> None:
    assert AttentionBlock(8, head_width=4, mlp_ratio=2).expand.out_features == 16


def test_heads_must_fit() -> None:
    with pytest.raises(SettingError, match=r"width \(=96\) must be a multiple of head_width \(=64\)"):
        Attention(96)
