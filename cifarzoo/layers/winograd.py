"""3x3 convolutions on a CPU with a quarter of the multiplications.

Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for convolutional neural
networks", 2015. The map is cut into tiles of m x m outputs. Each needs a window of n x n inputs, n = m + 2; windows and
filters are transformed, multiplied point by point (a matrix product over the channels for each of the n x n points),
and transformed back: n x n multiplications instead of 9 x m x m, 36 instead of 144 for tiles of 4x4. The gradients are
the same products the other way round. Everything is exact but for rounding, about six times that of the plain sum.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

# Where the polynomials behind the transforms are evaluated, beside infinity. Of many tried these round least.
_POINTS = {
    2: (Fraction(0), Fraction(1), Fraction(-1)),
    3: (Fraction(0), Fraction(1), Fraction(-1), Fraction(2)),
    4: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2)),
}
_PART_BYTES = 8 << 20  # of a buffer: images are taken a few at a time, so that all of their tiles stay in the cache
_FEW_TILES = 64  # fewer do not earn what the transform of the filters costs
_FEW_CHANNELS = 40  # half the harmonic mean of both sides' channels: below it the transforms outweigh what they save


def pays(images: Tensor, weight: Tensor) -> bool:
    """Whether this is faster than torch's for images (B, C, H, W) and 3x3 filters (K, C, 3, 3), as they are now."""
    batch, _, height, width = images.shape
    wanted, given = weight.shape[:2]
    if images.device.type != "cpu" or images.dtype != torch.float32:
        return False  # in bf16 the transforms would round too much
    tile = best_tile(height, width)
    tiles = _tiles(height, tile) * _tiles(width, tile)
    return (
        wanted * given >= _FEW_CHANNELS * (wanted + given)
        and batch * tiles >= _FEW_TILES
        and 2 * tiles * (tile + 2) ** 2 <= 9 * height * width
    )


def best_tile(height: int, width: int) -> int:
    """Side of the tiles that cost a map the fewest multiplications."""
    return min(_POINTS, key=lambda tile: _tiles(height, tile) * _tiles(width, tile) * (tile + 2) ** 2)


class _Tiling:
    """Cuts maps into tiles, a few images at a time, in buffers that stay in the cache.

    Args:
        like: (B, C, H, W), the convolution's input.
        wanted: channels of its output.
        tile: side m of the tiles.
    """

    def __init__(self, like: Tensor, wanted: int, tile: int) -> None:
        self.batch, self.given, self.height, self.width = like.shape
        self.wanted, self.tile, self.window = wanted, tile, tile + 2
        self.rows, self.columns = _tiles(self.height, tile), _tiles(self.width, tile)
        self.is_exact = (self.rows * tile, self.columns * tile) == (self.height, self.width)
        self.is_one_tile = self.rows == self.columns == 1
        make = _transforms if type(like) is Tensor else _transforms.__wrapped__  # what is fake is not to be kept
        self.from_tiles, self.from_filters, self.from_windows = make(tile, like.dtype)
        if self.is_one_tile:  # then a window is the tile and padding: zeros, which nothing needs to be computed from
            inner = self.from_windows.view(-1, self.window, self.window)[:, 1:-1, 1:-1]  # (n * n, m, m)
            self.from_windows = inner.reshape(-1, tile * tile)
        image_numbers = self.window**2 * self.rows * self.columns * max(self.given, wanted)
        self.step = max(1, min(self.batch, _PART_BYTES // (like.element_size() * image_numbers)))
        self._buffers = [like.new_empty(self.step * image_numbers) for _ in range(3)]
        # Each reaches a whole tile beyond the last one. The zeros around the maps in the first are the padding.
        images = 0 if self.is_one_tile else self.step
        frame = (images, (self.rows + 1) * tile, (self.columns + 1) * tile, self.given)
        self._padded, self._sums = like.new_zeros(frame), like.new_empty(frame)

    def parts(self) -> list[slice]:
        """The batch, a few images each."""
        return [slice(start, min(start + self.step, self.batch)) for start in range(0, self.batch, self.step)]

    def buffer(self, index: int, *shape: int) -> Tensor:
        """One of three, in some shape; who takes it again overwrites it."""
        return self._buffers[index][: math.prod(shape)].view(shape)

    def windows(self, maps: Tensor, index: int) -> Tensor:
        """(b, H, W, C) to their windows (n * n, b * rows * columns * C), or the one tile, in a buffer."""
        if self.is_one_tile:
            return self.tiles(maps, index)
        m, n = self.tile, self.window
        frame = self._padded[: len(maps), : self.rows * m + 2, : self.columns * m + 2]
        frame[:, 1 : self.height + 1, 1 : self.width + 1] = maps
        windows = frame.unfold(1, n, m).unfold(2, n, m)  # (b, rows, columns, C, n, n)
        windows = windows.permute(4, 5, 0, 1, 2, 3)  # (n, n, b, rows, columns, C)
        return self.buffer(index, *windows.shape).copy_(windows).view(n * n, -1)

    def points(self, maps: Tensor, *, over: int, into: int) -> Tensor:
        """(b, H, W, C) to their windows, transformed, (n * n, T, C) in a buffer, with another for the windows."""
        windows = self.windows(maps, over)  # (n * n, T * C), or (m * m, T * C)
        points = self.buffer(into, len(self.from_windows), windows.shape[1])
        return torch.mm(self.from_windows, windows, out=points).view(len(points), -1, self.given)

    def add_windows(self, windows: Tensor, into: Tensor) -> None:
        """Sum overlapping windows (n * n, b * rows * columns * C) into maps (b, H, W, C): ``windows`` transposed."""
        if self.is_one_tile:
            self.put_tiles(windows, into)
            return
        m, n, rows, columns = self.tile, self.window, self.rows, self.columns
        parts = windows.view(n, n, len(into), rows, columns, self.given)
        parts = parts.permute(2, 3, 0, 4, 1, 5)  # (b, rows, n, columns, n, C)
        frame = self._sums[: len(into)]
        sums = frame.view(len(into), rows + 1, m, columns + 1, m, self.given)
        sums[:, :-1, :, :-1] = parts[:, :, :m, :, :m]
        sums[:, -1, :2], sums[:, :, :, -1, :2] = 0, 0  # what the last windows reach beyond the last tiles
        sums[:, 1:, :2, :-1] += parts[:, :, m:, :, :m]  # a window ends in the first two rows of the tile below
        sums[:, :-1, :, 1:, :2] += parts[:, :, :m, :, m:]
        sums[:, 1:, :2, 1:, :2] += parts[:, :, m:, :, m:]
        into.copy_(frame[:, 1 : self.height + 1, 1 : self.width + 1])

    def tiles(self, maps: Tensor, index: int) -> Tensor:
        """(b, H, W, K) to their tiles (m * m, b * rows * columns * K), filled up with zeros, in a buffer."""
        m = self.tile
        if not self.is_exact:
            below, right = self.rows * m - self.height, self.columns * m - self.width
            maps = F.pad(maps, (0, 0, 0, right, 0, below))  # (b, rows * m, columns * m, K)
        tiles = maps.view(len(maps), self.rows, m, self.columns, m, maps.shape[3])
        tiles = tiles.permute(2, 4, 0, 1, 3, 5)  # (m, m, b, rows, columns, K)
        return self.buffer(index, *tiles.shape).copy_(tiles).view(m * m, -1)

    def put_tiles(self, tiles: Tensor, into: Tensor) -> None:
        """Tiles (m * m, b * rows * columns * K) into their maps (b, H, W, K): ``tiles`` turned round."""
        m, rows, columns = self.tile, self.rows, self.columns
        parts = tiles.view(m, m, len(into), rows, columns, into.shape[3]).permute(2, 3, 0, 4, 1, 5)
        if self.is_exact:
            into.view(parts.shape).copy_(parts)
        else:
            maps = parts.reshape(len(into), rows * m, columns * m, into.shape[3])
            into.copy_(maps[:, : self.height, : self.width])


def convolve(images: Tensor, weight: Tensor, tile: int) -> Tensor:
    """What ``torch.nn.functional.conv2d`` gives with a padding of 1.

    Args:
        images: (B, C, H, W) float, fastest in channels_last order.
        weight: (K, C, 3, 3), of the same type.
        tile: side of the tiles, 2 to 4.

    Returns:
        (B, K, H, W), channels_last.
    """
    tiling = _Tiling(images, len(weight), tile)
    filters = _transformed(weight, tiling.from_filters)  # (n * n, C, K)
    maps = images.permute(0, 2, 3, 1)  # (B, H, W, C)
    found = images.new_empty(*maps.shape[:3], len(weight))  # (B, H, W, K)
    for part in tiling.parts():
        points = tiling.points(maps[part], over=0, into=1)  # (n * n, T, C)
        products = tiling.buffer(0, len(filters), points.shape[1], tiling.wanted)  # (n * n, T, K)
        products = torch.bmm(points, filters, out=products).flatten(1)  # (n * n, T * K)
        tiles = torch.mm(tiling.from_tiles.T, products, out=tiling.buffer(1, tile * tile, products.shape[1]))
        tiling.put_tiles(tiles, found[part])
    return found.permute(0, 3, 1, 2)


def gradients_of(
    images: Tensor, weight: Tensor, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """From the gradient of the output, ``slopes`` (B, K, H, W), to those of images, channels_last, and weight."""
    tiling = _Tiling(images, len(weight), tile)
    filters = _transformed(weight, tiling.from_filters)  # (n * n, C, K)
    maps, slopes = images.permute(0, 2, 3, 1), slopes.permute(0, 2, 3, 1)  # (B, H, W, ...)
    of_images = torch.empty_like(maps, memory_format=torch.contiguous_format) if wants_images else None
    sums = torch.zeros_like(filters)  # (n * n, C, K)
    for part in tiling.parts():
        tiles = tiling.tiles(slopes[part], 0)  # (m * m, T * K)
        products = torch.mm(tiling.from_tiles, tiles, out=tiling.buffer(1, len(filters), tiles.shape[1]))
        products = products.view(len(filters), -1, tiling.wanted)  # (n * n, T, K)
        if wants_weight:
            sums.baddbmm_(tiling.points(maps[part], over=0, into=2).mT, products)  # (n * n, C, K)
        if of_images is not None:
            points = tiling.buffer(0, len(filters), products.shape[1], tiling.given)  # (n * n, T, C)
            points = torch.bmm(products, filters.mT, out=points).flatten(1)  # (n * n, T * C)
            windows = tiling.buffer(2, tiling.from_windows.shape[1], points.shape[1])  # (n * n, T * C)
            windows = torch.mm(tiling.from_windows.T, points, out=windows)
            tiling.add_windows(windows, of_images[part])
    of_weight = None
    if wants_weight:
        of_weight = tiling.from_filters.T @ sums.flatten(1)  # (9, C * K)
        of_weight = of_weight.view(3, 3, tiling.given, tiling.wanted).permute(3, 2, 0, 1)  # (K, C, 3, 3)
    return None if of_images is None else of_images.permute(0, 3, 1, 2), of_weight


def _transformed(weight: Tensor, transform: Tensor) -> Tensor:
    """(K, C, 3, 3) to (n * n, C, K)."""
    wanted, given = weight.shape[:2]
    return (transform @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(-1, given, wanted)


def _tiles(side: int, tile: int) -> int:
    """How many tiles cover a side."""
    return -(-side // tile)


@lru_cache
def _transforms(tile: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """The matrices of the tiles (n * n, m * m), of the filters (n * n, 9) and of the windows (n * n, n * n).

    Of polynomials, the product is interpolated from its values at n points (Toom and Cook): tiles and filters are
    evaluated there; the windows' matrix, transposed, holds the coefficients of Lagrange's polynomials. This is turned
    round: the transpose of a polynomial product is a convolution.
    """
    points = _POINTS[tile]
    others = [[other for other in points if other != point] for point in points]
    weights = [math.prod(point - other for other in rest) for point, rest in zip(points, others, strict=True)]
    tiles = [[point**power for power in range(tile)] for point in points] + [_last(tile)]
    filters = [[point**power / weight for power in range(3)] for point, weight in zip(points, weights, strict=True)]
    filters.append(_last(3))
    windows = [[*_from_roots(rest), Fraction(0)] for rest in others] + [_from_roots(points)]
    return _squared(tiles, dtype), _squared(filters, dtype), _squared(windows, dtype)


def _last(length: int) -> list[Fraction]:
    """The leading coefficient: a polynomial's value at infinity."""
    return [Fraction(int(index == length - 1)) for index in range(length)]


def _from_roots(roots: list[Fraction] | tuple[Fraction, ...]) -> list[Fraction]:
    """The coefficients of the polynomial with these roots, the constant first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [high - root * low for high, low in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
    return coefficients


def _squared(rows: list[list[Fraction]], dtype: torch.dtype) -> Tensor:
    """The matrix for two dimensions from that for one."""
    numbers = [[float(value) for value in row] for row in rows]
    matrix = torch.tensor(numbers, dtype=torch.float64, device="cpu")  # whatever the default is at the first call
    return torch.kron(matrix, matrix).to(dtype)
