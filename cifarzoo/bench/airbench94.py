"""The method of airbench94 with Muon, plainly ported to a processor: what ``speed/c94`` is measured against.

Written from the method's published facts (Jordan, "94 % on CIFAR-10 in 3.29 seconds", 2024, and its Muon version of
2025): nothing is taken from this package but batches of pixels, and nothing is made faster than the method says.
"""

from __future__ import annotations

import itertools
import math
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.bench.train_peers import Task, Timing
from cifarzoo.data import Dataset

EPOCHS, BATCH_SIZE = 8, 2000
_WIDTHS = (64, 256, 256)
_REACH_PX = 2
_WHITENING_IMAGES, _WHITENING_EPS, _WHITENING_EPOCHS = 5000, 5e-4, 3
_FILTER_LR, _FILTER_MOMENTUM = 0.24, 0.6
_BIAS_LR, _HEAD_LR, _MOMENTUM, _DECAY = 0.053, 0.67, 0.85, 2e-6
_LABEL_SMOOTHING, _LOGIT_SCALE = 0.2, 1 / 256
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 3


class Group(nn.Module):
    """Two convolutions, the map halved after the first."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = _convolution(inputs, width), _norm(width)
        self.conv2, self.norm2 = _convolution(width, width), _norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / 2, W / 2)."""
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)), approximate="tanh")
        return F.gelu(self.norm2(self.conv2(x)), approximate="tanh")


class Net(nn.Module):
    """A whitening convolution, three groups, the maximum, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        self.groups = nn.Sequential(*(Group(*pair) for pair in itertools.pairwise((24, *_WIDTHS))))
        self.head = nn.Linear(_WIDTHS[-1], 10, bias=False)
        with torch.no_grad():
            self.head.weight.div_(self.head.weight.std())

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, 32, 32) to logits."""
        x = F.gelu(self.whiten(x), approximate="tanh")  # (B, 24, 31, 31)
        x = self.groups(x)  # (B, 256, 3, 3)
        logits: Tensor = self.head(F.max_pool2d(x, 3).flatten(1)) * _LOGIT_SCALE  # (B, 10)
        return logits

    @torch.no_grad()
    def initialize(self, images: Tensor) -> None:
        """The filters that whiten 2x2 patches of (B, 3, H, W), each with both signs."""
        patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)  # (B patches, 12)
        patches = patches - patches.mean(0)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (values + _WHITENING_EPS).sqrt()).T.reshape(12, 3, 2, 2)
        self.whiten.weight.copy_(torch.cat([filters, -filters]))


class Muon:
    """Steps of orthogonal matrices, one filter tensor after the other."""

    def __init__(self, filters: list[nn.Parameter], dtype: torch.dtype) -> None:
        self._filters, self._dtype = filters, dtype
        self._momenta = [torch.zeros_like(each) for each in filters]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """One update."""
        for weight, momentum in zip(self._filters, self._momenta, strict=True):
            if weight.grad is None:
                continue
            momentum.mul_(_FILTER_MOMENTUM).add_(weight.grad)
            direction = weight.grad.add(momentum, alpha=_FILTER_MOMENTUM)  # Nesterov's
            weight.mul_(math.sqrt(len(weight)) / weight.norm())
            orthogonal = orthogonalized(direction.flatten(1).to(self._dtype))  # (out, in x 9)
            weight.add_(orthogonal.view(weight.shape).to(weight.dtype), alpha=-lr)


def orthogonalized(matrix: Tensor) -> Tensor:
    """The nearest orthogonal matrix, roughly: three quintic Newton-Schulz steps.

    Args:
        matrix: (m, n) of any float type.

    Returns:
        (m, n), its singular values near 1.
    """
    a, b, c = _NEWTON_SCHULZ
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(_NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    found: Tensor = x.T if tall else x
    return found


class Batches:
    """The whole set normalised and padded once; each epoch flipped and cropped whole, by masks."""

    def __init__(self, dataset: Dataset, batch_size: int) -> None:
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (dataset.mean, dataset.std))
        self.images = dataset.images.float().div_(255).sub_(mean).div_(std)  # (N, 3, H, W)
        self._targets, self._batch_size = dataset.targets, batch_size
        mirrored = torch.rand(len(self.images)) < 0.5
        first = torch.where(mirrored.view(-1, 1, 1, 1), self.images.flip(-1), self.images)
        self._padded = F.pad(first, [_REACH_PX] * 4, mode="reflect")

    def __len__(self) -> int:
        return len(self._targets) // self._batch_size

    def epoch(self, number: int) -> list[tuple[Tensor, Tensor]]:
        """The batches of an epoch; every second one is mirrored whole."""
        size, images = self.images.shape[-1], torch.empty_like(self.images)
        shifts = torch.randint(0, 2 * _REACH_PX + 1, (len(images), 2))
        for top, left in itertools.product(range(2 * _REACH_PX + 1), repeat=2):
            mask = (shifts[:, 0] == top) & (shifts[:, 1] == left)
            images[mask] = self._padded[mask, :, top : top + size, left : left + size]
        images = images.flip(-1) if number % 2 else images
        order = torch.randperm(len(images))[: len(self) * self._batch_size].view(len(self), -1)
        return [(images[rows].contiguous(memory_format=torch.channels_last), self._targets[rows]) for rows in order]


def run(dataset: Dataset, *, epochs: int, batch_size: int, precision: str) -> tuple[Net, list[float]]:
    """Train.

    Returns:
        The network, and the seconds of each epoch: augmentation and steps.
    """
    model, batches = Net(), Batches(dataset, batch_size)
    model.initialize(batches.images[:_WHITENING_IMAGES])
    model.to(memory_format=torch.channels_last)
    filters = [weight for weight in model.groups.parameters() if weight.ndim == 4]
    biases = [bias for bias in model.groups.parameters() if bias.ndim == 1 and bias.requires_grad]
    whitening_bias = model.whiten.bias
    muon = Muon(filters, torch.bfloat16 if precision == "bf16" else torch.float32)
    decay = _DECAY * batch_size
    peaks = ((whitening_bias, _BIAS_LR), (biases, _BIAS_LR), (model.head.weight, _HEAD_LR))
    groups = [{"params": params, "lr": lr, "weight_decay": decay / lr} for params, lr in peaks if params is not None]
    others = torch.optim.SGD(groups, momentum=_MOMENTUM, nesterov=True)
    step, total, seconds = 0, epochs * len(batches), []
    for epoch in range(epochs):
        began = time.perf_counter()
        for images, targets in batches.epoch(epoch):
            left = 1 - step / total
            left_of_whitening = max(0.0, 1 - step / (min(_WHITENING_EPOCHS, epochs) * len(batches)))
            for group, (_, lr), part in zip(others.param_groups, peaks, (left_of_whitening, left, left), strict=True):
                group["lr"] = lr * part
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                logits = model(images)
            loss = F.cross_entropy(logits.float(), targets, label_smoothing=_LABEL_SMOOTHING, reduction="sum")
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            muon.step(_FILTER_LR * left)
            others.step()
            model.zero_grad(set_to_none=True)
            step += 1
        seconds.append(time.perf_counter() - began)
    return model, seconds


def one_epoch(task: Task) -> Timing:
    """A whole epoch of the task's images, as a contestant."""
    dataset = task.dataset()
    batch_size = min(BATCH_SIZE, len(dataset))
    _, seconds = run(dataset, epochs=1, batch_size=batch_size, precision=task.precision)
    return Timing(len(dataset) // batch_size * batch_size, seconds[0])


def _convolution(inputs: int, width: int) -> nn.Conv2d:
    """Begins as the identity as far as it has filters for it."""
    convolution = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(convolution.weight[:inputs])
    return convolution


def _norm(width: int) -> nn.BatchNorm2d:
    """Learns a bias only, and forgets fast."""
    norm = nn.BatchNorm2d(width, eps=1e-12, momentum=0.6)
    norm.weight.requires_grad_(False)
    return norm
