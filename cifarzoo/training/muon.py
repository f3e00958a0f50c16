"""Muon: momentum whose direction is made orthogonal, for convolution filters and matrices (Jordan et al., 2024).

torch and timm have it too. Theirs compute in bf16 wherever they run, which is reference code on processors without bf16
instructions (a hundredfold slower there), and do not heed ``found_inf``; ours takes the run's precision, and filters of
equal shape in one batched product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# Of the quintic a x + b x^3 + c x^5, iterated on singular values: steep at 0, and within 0.7 ... 1.2 once it is there.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, *, steps: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    """Bring all singular values of each matrix near 1, by Newton-Schulz iterations.

    An iteration multiplies X from the left by a polynomial in its Gram matrix X X^T. All of them are worked out on the
    Gram matrix, which is small, and multiplied to X at once: half the arithmetic for filters of 3x3.

    Args:
        matrices: (N, R, C) float.
        steps: iterations; 3 do for small networks, 5 bring smaller singular values along.
        dtype: of the products with the matrices themselves.

    Returns:
        (N, R, C) of the input's type.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).to(dtype)  # (N, r, c), r <= c
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)  # no singular value above 1
    gram = (x @ x.mT).float()  # (N, r, r)
    identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    product = factor = _polynomial(gram, identity)  # (N, r, r)
    for _ in range(steps - 1):
        gram = factor @ gram @ factor  # (N, r, r): of the X so far
        factor = _polynomial(gram, identity)
        product = factor @ product
    found: Tensor = product.to(dtype) @ x  # (N, r, c)
    return (found.mT if tall else found).to(matrices.dtype)


def _polynomial(gram: Tensor, identity: Tensor) -> Tensor:
    """What an iteration multiplies X with: a + b G + c G^2."""
    a, b, c = _COEFFICIENTS
    return torch.baddbmm(gram, gram, gram, beta=b, alpha=c) + a * identity  # (N, r, r)


class Muon(torch.optim.Optimizer):
    """Muon for the groups marked ``orthogonal``, another optimiser for the rest.

    A filter is taken as an (out, in x height x width) matrix. Filters keep the norm sqrt(out) all the time, as suits
    layers that a norm follows, so ``lr`` is relative to it; matrices are decayed by lr x ``weight_decay`` instead.

    Args:
        groups: parameter groups, each with ``orthogonal``; those marked hold parameters of two dimensions or more.
        lr: learning rate of the marked groups.
        momentum: of the marked groups, in Nesterov's form.
        rest: makes the optimiser of the groups that are not marked.
        dtype: of the products with the filters and matrices themselves.
    """

    grad_scale: Tensor | None = None
    found_inf: Tensor | None = None
    """Scalar; 1 leaves the step out, as for torch's fused optimisers."""

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        lr: float,
        momentum: float,
        rest: Callable[[list[dict[str, Any]]], torch.optim.Optimizer],
        dtype: torch.dtype,
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0})
        others = [group for group in self.param_groups if not group["orthogonal"]]
        for group in others:
            del group["momentum"]  # the other optimiser fills in its own
        self._dtype = dtype
        self._rest = rest(others) if others else None
        if self._rest is not None:
            self._rest.state = self.state  # one state, and the groups are the same objects

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no line search: nothing is evaluated anew
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            if group["orthogonal"]:
                self._step_group(group)
        if self._rest is not None:
            self._rest.grad_scale, self._rest.found_inf = None, self.found_inf  # type: ignore[attr-defined]
            self._rest.step()

    def _step_group(self, group: dict[str, Any]) -> None:
        """Update the parameters of a group, those of equal shape together."""
        alike: dict[torch.Size, list[Tensor]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                alike.setdefault(parameter.shape, []).append(parameter)
        for shape, parameters in alike.items():
            directions = [_as_matrix(self._direction(each, group["momentum"]), each) for each in parameters]
            updates = orthogonalize(torch.stack(directions), dtype=self._dtype)  # (N, out, rest)
            scale = -group["lr"] * max(1.0, shape[0] / shape[1:].numel()) ** 0.5
            for parameter, update in zip(parameters, updates, strict=True):
                if parameter.ndim > 2:
                    kept: Tensor | float = shape[0] ** 0.5 / (parameter.norm() + 1e-7)
                else:
                    kept = 1 - group["lr"] * group["weight_decay"]
                moved = (parameter * kept).add_(_as_filters(update, parameter), alpha=scale)
                self._assign(parameter, moved)

    def _direction(self, parameter: Tensor, momentum: float) -> Tensor:
        """Nesterov's direction g + m v, after v <- m v + g."""
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        gradient = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        moved = torch.add(gradient, buffer, alpha=momentum)
        self._assign(buffer, moved)
        return torch.add(gradient, moved, alpha=momentum)

    def _assign(self, tensor: Tensor, value: Tensor) -> None:
        """Give a tensor its new value, unless the step is to be left out."""
        if self.found_inf is None:
            tensor.copy_(value)
        elif self.found_inf.device.type != "cpu":
            tensor.copy_(torch.where(self.found_inf.bool(), tensor, value))
        elif not self.found_inf:  # the host knows it: nothing to wait for, and nothing to choose number by number
            tensor.copy_(value)


def _as_matrix(filters: Tensor, parameter: Tensor) -> Tensor:
    """(out, in, height, width) as (out, rest), columns as the parameter's lie in memory: no direction depends on it."""
    return (filters.permute(0, 2, 3, 1) if _is_channels_last(parameter) else filters).flatten(1)


def _as_filters(matrix: Tensor, parameter: Tensor) -> Tensor:
    """(out, rest) in the parameter's shape."""
    if not _is_channels_last(parameter):
        return matrix.view(parameter.shape)
    wanted, given, height, width = parameter.shape
    return matrix.view(wanted, height, width, given).permute(0, 3, 1, 2)


def _is_channels_last(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and parameter.is_contiguous(memory_format=torch.channels_last)
