"""Parquet files as the Hugging Face Hub keeps image sets: a column of picture files and columns of labels."""

from __future__ import annotations

import bisect
import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from cifarzoo.data.readers.files import read_file
from cifarzoo.errors import DataError

_WHOLE_NUMBERS = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32")
_DEPTH = 3  # folders below the root in which the files may lie


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of some files.

    Attributes:
        pictures: each row's picture file, by ``picture(row)``.
        labels: (N,) int64 by column.
        label_names: the names of a column's labels, where the files have them.
    """

    path: Path
    pieces: Sequence[Any]  # arrow arrays of a picture's bytes and path
    ends: Sequence[int]  # rows up to the end of each piece
    follow_paths: bool  # whether a row without bytes may name a file
    labels: dict[str, np.ndarray]
    label_names: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def picture(self, row: int) -> bytes:
        """The content of a row's picture file."""
        place = bisect.bisect_right(self.ends, row)
        piece = self.pieces[place]
        entry = piece[row - self.ends[place] + len(piece)].as_py() or {}
        if isinstance(entry.get("bytes"), bytes):
            content: bytes = entry["bytes"]
            return content
        if self.follow_paths and entry.get("path"):
            return read_file(Path(entry["path"]))
        raise DataError(f"{self.path}: row {row} has no picture")


def find(root: Path, splits: Sequence[str]) -> list[Path]:
    """The parquet files of a split below ``root``, sorted; ``splits`` are the names it may have."""
    if root.is_file() or not root.is_dir():
        return [root] if root.suffix == ".parquet" and root.is_file() else []
    found: list[Path] = []
    for depth in range(_DEPTH + 1):
        for path in sorted(root.glob("/".join(["*"] * depth + ["*.parquet"]))):
            stem = path.stem.split("-")[0]
            if stem in splits or path.parent.name in splits:
                found.append(path)
        if found:  # the files of one folder level: deeper ones belong to something else
            break
    return found


def read(paths: Sequence[Path], picture_columns: Sequence[str]) -> Table:
    """Read files with the ``datasets`` library.

    Args:
        paths: the files, in order.
        picture_columns: names that the column of pictures may have.

    Raises:
        DataError: they are damaged, or have no such column.
    """

    def load(datasets: Any, scratch: str) -> Any:
        return datasets.Dataset.from_parquet([str(path) for path in paths], keep_in_memory=True, cache_dir=scratch)

    return _table(load, paths[0], picture_columns, follow_paths=False)


def read_any(folder: Path, split: str, config: str | None, picture_column: str) -> Table:
    """Read a split of whatever the ``datasets`` library can make of a folder.

    Raises:
        DataError: it cannot, or there is no such split, configuration or column.
    """

    def load(datasets: Any, scratch: str) -> Any:
        if (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file():
            saved = datasets.load_from_disk(str(folder), keep_in_memory=True)
            if isinstance(saved, datasets.DatasetDict):
                return saved[split]
            if saved.split is not None and str(saved.split) != split:
                raise DataError(f"{folder} holds the split {str(saved.split)!r} alone, not {split!r}; name it")
            return saved
        return datasets.load_dataset(str(folder), config, split=split, keep_in_memory=True, cache_dir=scratch)

    return _table(load, folder, (picture_column,), follow_paths=True)


def _table(load: Callable[[Any, str], Any], path: Path, picture_columns: Sequence[str], *, follow_paths: bool) -> Table:
    """What a function of the ``datasets`` library gives, as bytes and numbers."""
    with _quiet_datasets() as datasets, tempfile.TemporaryDirectory() as scratch:
        try:
            rows = load(datasets, scratch).with_format("arrow")
            names = [name for name in picture_columns if name in rows.column_names]
            if not names:
                wanted = " or ".join(picture_columns)
                raise DataError(f"{path} has the columns {', '.join(rows.column_names)}, none of them {wanted}")
            columns = rows[:]  # in the order of the rows, were they shuffled
            pieces = columns.column(names[0]).chunks
            labels, label_names = _labels(columns, rows.features)
        except DataError:
            raise
        except Exception as error:  # arrow's and datasets' own trees of exceptions
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(f"{path} cannot be read by the datasets library: {reason}") from None
    if any(not hasattr(piece, "field") or piece.type.get_field_index("bytes") < 0 for piece in pieces):
        raise DataError(f"{path} has no pictures in its column {names[0]!r}")
    ends = list(accumulate(len(piece) for piece in pieces))
    return Table(path=path, pieces=pieces, ends=ends, follow_paths=follow_paths, labels=labels, label_names=label_names)


def _labels(columns: Any, features: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]]]:
    """The columns of whole numbers and of words, each as (N,) int64, and the names of the numbers."""
    labels: dict[str, np.ndarray] = {}
    label_names: dict[str, tuple[str, ...]] = {}
    for name, feature in features.items():
        kind = getattr(feature, "dtype", "")
        if kind in _WHOLE_NUMBERS:
            labels[name] = np.array(columns.column(name).fill_null(-1).to_pylist(), dtype=np.int64)
            if getattr(feature, "names", None):
                label_names[name] = tuple(feature.names)
        elif kind in ("string", "large_string"):
            words = columns.column(name).to_pylist()
            label_names[name] = tuple(sorted({word for word in words if word is not None}))
            places = {word: place for place, word in enumerate(label_names[name])}
            labels[name] = np.array([places.get(word, -1) for word in words], dtype=np.int64)  # none: -1, as of numbers
    return labels, label_names


@contextlib.contextmanager
def _quiet_datasets() -> Iterator[Any]:
    """The ``datasets`` module without its progress bars and log lines."""
    import datasets  # type: ignore[import-untyped]  # it ships no types; and it takes over a second to import

    bars, level = datasets.are_progress_bars_disabled(), datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    try:
        yield datasets
    finally:
        datasets.logging.set_verbosity(level)
        if not bars:
            datasets.enable_progress_bars()
