from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from cifarzoo.layers.residual import ResidualBlock, residual_stage

SHAPES = pytest.mark.parametrize(
    ("in_channels", "out_channels", "stride"), [(4, 4, 1), (4, 6, 1), (4, 4, 2), (4, 6, 2)]
)


def woken(block: ResidualBlock) -> ResidualBlock:
    """The block with a residual branch that does something, and other statistics than those it starts with."""
    for norm in (module for module in block.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
        nn.init.uniform_(norm.running_mean, -1, 1)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return block.eval()


@given(stride=st.sampled_from([1, 2]), height=st.integers(1, 7), width=st.integers(1, 7))
def test_shape(stride: int, height: int, width: int) -> None:
    """Both paths round a halved side up."""
    out = ResidualBlock(2, 3, stride=stride).eval()(torch.zeros(2, 2, height, width))
    assert out.shape == (2, 3, -(-height // stride), -(-width // stride))


def test_skip_path_averages_what_is_there() -> None:
    """At the edge of an odd map the mean is over fewer pixels, not over zeros."""
    pool = ResidualBlock(1, 1, stride=2).shortcut[0]
    assert torch.equal(pool(torch.ones(1, 1, 5, 3)), torch.ones(1, 1, 3, 2))


def test_new_block_passes_its_input_on() -> None:
    images = torch.rand(3, 4, 5, 5)
    assert torch.equal(ResidualBlock(4, 4)(images), images)


@SHAPES
def test_is_the_sum_of_branch_and_shortcut(in_channels: int, out_channels: int, stride: int) -> None:
    block = woken(ResidualBlock(in_channels, out_channels, stride=stride))
    images = torch.randn(2, in_channels, 6, 6)
    kept = images.clone()
    branch = block.norm2(block.conv2(F.relu(block.norm1(block.conv1(images)))))
    if stride == 2:
        skip = block.shortcut[1:](F.avg_pool2d(images, 2))
    elif in_channels != out_channels:
        skip = block.shortcut[1:](images)
    else:
        skip = images
    torch.testing.assert_close(block(images), F.relu(branch + skip))
    assert torch.equal(images, kept)  # the additions in place never reach the input


@SHAPES
def test_gradients_are_right(in_channels: int, out_channels: int, stride: int) -> None:
    """The operations in place do not disturb what the backward pass needs."""
    block = woken(ResidualBlock(in_channels, out_channels, stride=stride)).double()
    images = torch.randn(1, in_channels, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, images)


@pytest.mark.parametrize("depth", [1, 3])
def test_stage_changes_the_shape_once(depth: int) -> None:
    stage = residual_stage(2, 5, depth, stride=2)
    assert len(stage) == depth
    assert [isinstance(block.shortcut, nn.Identity) for block in stage] == [False] + [True] * (depth - 1)
    assert stage(torch.zeros(2, 2, 8, 8)).shape == (2, 5, 4, 4)
