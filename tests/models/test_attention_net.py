from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from cifarzoo.models.attention_net import AttentionStage


@pytest.fixture
def stage() -> AttentionStage:
    torch.manual_seed(0)
    stage = AttentionStage(3, 64, depth=1, grid_size=2, mlp_ratio=1).eval()
    for parameter in stage.parameters():
        nn.init.normal_(parameter, std=0.2)
    return stage


@pytest.mark.parametrize("size", [(4, 4), (6, 10), (3, 5), (1, 1)])
def test_equal_positions_are_a_bias(stage: AttentionStage, size: tuple[int, int]) -> None:
    """A grid that is the same everywhere stays so at any size, and is then the norm's bias."""
    shift = torch.randn(64)
    images = torch.randn(2, 3, *size)
    other = copy.deepcopy(stage)
    with torch.no_grad():
        stage.position.copy_(shift.view(1, 64, 1, 1).expand_as(stage.position))
        other.position.zero_()
        other.conv_norm.bias.add_(shift)
        torch.testing.assert_close(stage(images), other(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(4, 4), (8, 8)])
def test_positions_tell_equal_pixels_apart(stage: AttentionStage, size: tuple[int, int]) -> None:
    nn.init.zeros_(stage.conv.weight)  # so that every token is the same but for its position
    tokens = stage(torch.zeros(1, 3, *size)).flatten(2)[0].T  # (T, D)
    assert not torch.allclose(tokens[0], tokens[-1], atol=1e-3)
    with torch.no_grad():
        stage.position.zero_()
        tokens = stage(torch.zeros(1, 3, *size)).flatten(2)[0].T  # (T, D)
    torch.testing.assert_close(tokens, tokens[:1].expand_as(tokens))
