"""Counter-based random numbers: a draw is a pure function of (seed, epoch, image index, slot).

No state is kept and none is saved: the same image in the same epoch gets the same draws whatever the batch it is in,
the order, the number of processes or the point at which a run was resumed. The hash is the finaliser of SplitMix64
(Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), in wrapping int64 tensor operations, so
that it gives the same bits on every device.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, SplitMix64's increment
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def _signed(value: int) -> int:
    """The same 64 bits, read as a signed number, which is what int64 tensors hold."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def _shift(bits: Tensor, count: int) -> Tensor:
    """Logical right shift: torch's own shift of int64 copies the sign."""
    return (bits >> count).bitwise_and_((1 << (64 - count)) - 1)


def _mix(bits: Tensor) -> Tensor:
    """SplitMix64's finaliser, elementwise on int64."""
    bits = _shift(bits, 30).bitwise_xor_(bits).mul_(_signed(_MULTIPLIERS[0]))
    bits = _shift(bits, 27).bitwise_xor_(bits).mul_(_signed(_MULTIPLIERS[1]))
    return _shift(bits, 31).bitwise_xor_(bits)


def _mix_int(bits: int) -> int:
    """The same finaliser on one Python number."""
    bits &= _MASK
    bits = ((bits ^ (bits >> 30)) * _MULTIPLIERS[0]) & _MASK
    bits = ((bits ^ (bits >> 27)) * _MULTIPLIERS[1]) & _MASK
    return bits ^ (bits >> 31)


@lru_cache(maxsize=4096)
def _slot_bits(slot: str) -> int:
    """A slot's name as 64 well-spread bits."""
    return _signed(int.from_bytes(hashlib.blake2b(slot.encode(), digest_size=8).digest(), "little"))


def _unit(bits: Tensor) -> Tensor:
    """The upper 53 bits as float64 in [0, 1); float32 of 24 bits where the device has no float64."""
    if bits.device.type == "mps":
        return _shift(bits, 40).to(torch.float32) * 2.0**-24
    return _shift(bits, 11).to(torch.float64) * 2.0**-53


class Draws:
    """Random numbers for a batch of images, one row an image.

    Args:
        seed: any integer.
        epoch: any integer.
        indices: (B,) int64, each image's index in its data set.

    Attributes:
        epoch: the epoch, for what alternates with it.
    """

    epoch: int

    def __init__(self, seed: int, epoch: int, indices: Tensor) -> None:
        self.epoch, self._path = epoch, ""
        stream = _mix_int(seed + _GOLDEN)
        counters = indices.to(torch.int64) * _signed(_GOLDEN)  # (B,)
        self._lasting = _mix(counters + _signed(stream))  # (B,), the same in every epoch
        self._key = _mix(counters + _signed(_mix_int(stream + (epoch + 1) * _GOLDEN)))  # (B,)

    @classmethod
    def from_generator(
        cls, count: int, *, generator: torch.Generator | None = None, device: torch.device | str = "cpu"
    ) -> Draws:
        """Draws for ``count`` images, keyed by one number from a generator (torch's global one by default)."""
        source = generator.device if generator is not None else "cpu"
        seed = int(torch.randint(2**62, (), generator=generator, device=source))
        return cls(seed, 0, torch.arange(count, device=device))

    def fork(self, tag: str | int) -> Draws:
        """Independent draws for a part of a pipeline, so that two operations of one kind do not share slots."""
        child = self._derived(self._key, self._lasting)
        child._path = f"{self._path}{tag}\0"  # part of the names of its slots: a fork costs nothing
        return child

    def lasting(self) -> Draws:
        """Draws of the same images that are the same in every epoch."""
        return self._derived(self._lasting, self._lasting)

    def __len__(self) -> int:
        return len(self._key)

    def __getitem__(self, rows: Tensor | slice) -> Draws:
        """The draws of some of the images."""
        return self._derived(self._key[rows], self._lasting[rows])

    def _derived(self, key: Tensor, lasting: Tensor) -> Draws:
        child = object.__new__(Draws)
        child.epoch, child._path, child._key, child._lasting = self.epoch, self._path, key, lasting
        return child

    @property
    def device(self) -> torch.device:
        """Where the draws are computed."""
        return self._key.device

    def bits(self, slot: str, n: int = 1) -> Tensor:
        """(B, n) int64, all 64 bits random."""
        stream = _mix(self._key ^ _slot_bits(self._path + slot))  # (B,)
        steps = torch.arange(1, n + 1, device=stream.device) * _signed(_GOLDEN)  # (n,)
        return _mix(stream[:, None] + steps)  # (B, n)

    def uniform(self, slot: str, n: int = 1, *, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B, n) float64, uniform in [low, high)."""
        unit = _unit(self.bits(slot, n))
        return unit if (low, high) == (0.0, 1.0) else low + unit * (high - low)

    def integers(self, slot: str, low: int | Tensor, high: int | Tensor, n: int = 1) -> Tensor:
        """(B, n) int64, uniform in {low, ..., high - 1}; the limits may be tensors that broadcast to (B, n)."""
        span = high - low
        return low + (_unit(self.bits(slot, n)) * span).floor().to(torch.int64)

    def normal(self, slot: str, n: int = 1) -> Tensor:
        """(B, n) float64, standard normal (Box and Muller, 1958)."""
        first, second = _unit(self.bits(slot, 2 * n)).chunk(2, dim=1)  # 2 x (B, n)
        return (-2.0 * torch.log1p(-first)).sqrt() * torch.cos(2.0 * torch.pi * second)

    def permutations(self, slot: str, n: int) -> Tensor:
        """(B, n) int64, a random order of n things for each image."""
        return self.bits(slot, n).argsort(dim=1, stable=True)


def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """(count,) int64, the order of a data set in an epoch."""
    return Draws(seed, epoch, torch.arange(count)).bits("order")[:, 0].argsort(stable=True)
