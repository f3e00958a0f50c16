"""The transformer's encoder block (Vaswani et al., "Attention is all you need", 2017), norms in front."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.errors import SettingError


def _linear(in_features: int, out_features: int, *, std: float) -> nn.Linear:
    """A linear layer with truncated normal weights and zero biases."""
    layer = nn.Linear(in_features, out_features)
    nn.init.trunc_normal_(layer.weight, std=std) if std else nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Attention(nn.Module):
    """Multi-head self-attention over tokens: (B, T, D) float to the same.

    The output projection starts at zero, so that a new block passes its input on.

    Args:
        width: D, a multiple of ``head_width``.
        head_width: features of a head.
    """

    def __init__(self, width: int, *, head_width: int = 64) -> None:
        super().__init__()
        if width % head_width:
            raise SettingError(f"width (={width}) must be a multiple of head_width (={head_width}); change one of them")
        self.head_width = head_width
        self.qkv = _linear(width, 3 * width, std=0.02)
        self.projection = _linear(width, width, std=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to the same."""
        qkv = self.qkv(x).unflatten(2, (3, -1, self.head_width))  # (B, T, 3, heads, D / heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # 3 x (B, heads, T, D / heads)
        y = F.scaled_dot_product_attention(query, key, value)  # (B, heads, T, D / heads)
        projected: Tensor = self.projection(y.transpose(1, 2).flatten(2))  # (B, T, D)
        return projected


class AttentionBlock(nn.Module):
    """Attention, then two linear layers with GELU between, each behind a layer norm and added to its input.

    Args:
        width: D, features of a token.
        head_width: features of a head of the attention.
        mlp_ratio: width of the hidden layer over D.
    """

    def __init__(self, width: int, *, head_width: int = 64, mlp_ratio: int = 3) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, head_width=head_width)
        self.norm2 = nn.LayerNorm(width)
        self.expand = _linear(width, mlp_ratio * width, std=0.02)
        self.reduce = _linear(mlp_ratio * width, width, std=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to the same."""
        x = x + self.attention(self.norm1(x))
        hidden = F.gelu(self.expand(self.norm2(x)))  # (B, T, mlp_ratio * D)
        change: Tensor = self.reduce(hidden)  # (B, T, D)
        return x + change
