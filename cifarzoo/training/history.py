"""What a run measured, epoch by epoch: read and written as CSV and JSON lines, shown as the report's table."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from cifarzoo.errors import DataError


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One epoch; what was not measured is None. Accuracies are percent, losses nats."""

    epoch: int
    """1 for the first."""
    step: int
    """Steps done since the start of the run."""
    lr: float
    """Learning rate of the epoch's last step."""
    train_loss: float
    """Mean over the epoch's steps, augmentation and label smoothing included."""
    train_top1: float
    test_loss: float | None = None
    """Cross-entropy without label smoothing."""
    test_top1: float | None = None
    holdout_top1: float | None = None
    """On the images held out of the training set to select the best epoch by."""
    seconds: float
    """Of training, without the evaluation."""
    images_per_s: float

    def to_json(self) -> dict[str, float | None]:
        """The fields by name; JSON has no word for what is no number, so that is None too."""
        return {
            name: value if value is not None and math.isfinite(value) else None for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse: a training loss that is None was no number."""
        unmeasured = {name: math.nan for name in ("train_loss", "train_top1") if values[name] is None}
        return cls(**{**values, **unmeasured})


@dataclass(kw_only=True)
class History:
    """The records of a run, and what its table says beside them."""

    params: int = 0
    steps_per_epoch: int = 0
    """0 where it is not known: the first epoch is taken for a whole one."""
    records: list[EpochRecord] = field(default_factory=list)

    @property
    def last(self) -> EpochRecord:
        """The record of the last epoch; DataError if there is none."""
        if not self.records:
            raise DataError("the history holds no epoch; train at least one")
        return self.records[-1]

    def steps_share(self, time_share: float) -> float:
        """Which share of the steps a share of the training time had made; evenly within an epoch."""
        elapsed_s = [0.0, *itertools.accumulate(record.seconds for record in self.records)]
        steps = [0, *(record.step for record in self.records)]
        made = float(np.interp(time_share * elapsed_s[-1], elapsed_s, steps))
        return made / steps[-1]

    def ends_after(self, epochs: float | None) -> bool:
        """Whether its last epoch is the last of a run of so many; not where that is not known."""
        return epochs is not None and self.last.epoch == math.ceil(epochs)

    def table(self) -> str:
        """The report's table: Param | Epoch | Speed | Loss | Train Acc | Test Acc, for the last epoch."""
        last = self.last
        epochs = last.step / (self.steps_per_epoch or self.records[0].step)  # the last one may be broken off
        mean_s = sum(record.seconds for record in self.records) / epochs
        cells = {
            "Param": f"{self.params / 1e6:.2f}M",
            "Epoch": str(last.epoch),
            "Speed": f"{mean_s:.1f} s/epoch",
            "Loss": f"{last.train_loss:.4f}",
            "Train Acc": f"{last.train_top1:.2f} %",
            "Test Acc": "-" if last.test_top1 is None else f"{last.test_top1:.2f} %",
        }
        widths = [max(len(head), len(cell)) for head, cell in cells.items()]
        rows = [list(cells), ["-" * width for width in widths], list(cells.values())]
        return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)

    def to_csv(self) -> str:
        """One line an epoch under a line of names; what was not measured is empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [item.name for item in fields(EpochRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for record in self.records)
        return text.getvalue()

    def to_jsonl(self) -> str:
        """One JSON object a line, an epoch each."""
        return "".join(json.dumps(record.to_json()) + "\n" for record in self.records)

    @classmethod
    def from_jsonl(cls, text: str, *, params: int = 0) -> History:
        """The inverse of ``to_jsonl``.

        Raises:
            DataError: a line that is no record.
        """
        try:
            return cls(params=params, records=[EpochRecord.from_json(json.loads(line)) for line in text.splitlines()])
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"not a history ({error}); train again, or name a run's folder") from None

    @classmethod
    def read(cls, folder: Path | str) -> History:
        """The history of a run's folder; DataError if there is none."""
        path = Path(folder) / "history.jsonl"
        if not path.is_file():
            raise DataError(f"{path} is not there; name the folder of a run")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read ({error}); train again, or name another run's folder") from None
        return cls.from_jsonl(text)
