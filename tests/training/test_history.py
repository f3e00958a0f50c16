from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.errors import DataError
from cifarzoo.training.history import EpochRecord, History

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
RECORDS = st.builds(
    EpochRecord,
    epoch=st.integers(1, 10**6),
    step=st.integers(1, 10**9),
    lr=NUMBERS,
    train_loss=NUMBERS,
    train_top1=NUMBERS,
    test_loss=st.none() | NUMBERS,
    test_top1=st.none() | NUMBERS,
    seconds=NUMBERS,
    images_per_s=NUMBERS,
)


@given(st.lists(RECORDS, max_size=5))
def test_json_lines_and_back(records: list[EpochRecord]) -> None:
    history = History(params=3, records=records)
    assert History.from_jsonl(history.to_jsonl(), params=3) == history


def test_what_is_no_number_is_null_as_json_has_it() -> None:
    """An epoch whose updates were all left out has no training loss, one with broken weights no test loss."""
    broken = EpochRecord(
        epoch=1, step=2, lr=0.1, train_loss=math.nan, train_top1=math.nan, test_loss=math.inf, seconds=1, images_per_s=1
    )
    text = History(records=[broken]).to_jsonl()
    assert json.loads(text, parse_constant=pytest.fail)["train_loss"] is None
    back = History.from_jsonl(text).last
    assert math.isnan(back.train_loss) and math.isnan(back.train_top1) and back.test_loss is None


@given(st.lists(RECORDS, max_size=5))
def test_csv_holds_the_same_numbers(records: list[EpochRecord]) -> None:
    rows = list(csv.DictReader(io.StringIO(History(records=records).to_csv())))
    assert [float(row["lr"]) for row in rows] == [record.lr for record in records]
    assert [row["test_top1"] == "" for row in rows] == [record.test_top1 is None for record in records]


def record(epoch: int, **changes: float | None) -> EpochRecord:
    values = {"lr": 0.1, "train_loss": 0.227, "train_top1": 93.5, "test_loss": 0.5, "test_top1": 87.17}
    values |= {"step": epoch * 10, "seconds": 4.0, **changes}
    return EpochRecord(epoch=epoch, images_per_s=100.0, **values)  # type: ignore[arg-type]


def test_the_table_is_the_reports() -> None:
    table = History(params=7_276_042, records=[record(1), record(2, seconds=6.0)]).table()
    head, rule, row = table.splitlines()
    assert [cell.strip() for cell in head.split("|")] == ["Param", "Epoch", "Speed", "Loss", "Train Acc", "Test Acc"]
    assert [cell.strip() for cell in row.split("|")] == ["7.28M", "2", "5.0 s/epoch", "0.2270", "93.50 %", "87.17 %"]
    assert len(head) == len(rule) == len(row)
    assert History(records=[record(1, test_top1=None)]).table().splitlines()[2].rstrip().endswith("-")


@pytest.mark.parametrize(
    "records, steps_per_epoch, speed",
    [
        ([record(1), record(2, step=11, seconds=0.4)], 10, "4.0 s/epoch"),  # the second epoch has one step
        ([record(1), record(2, step=11, seconds=0.4)], 0, "4.0 s/epoch"),
        ([record(1, step=5, seconds=2.0)], 10, "4.0 s/epoch"),
    ],
)
def test_the_speed_is_that_of_whole_epochs(records: list[EpochRecord], steps_per_epoch: int, speed: str) -> None:
    assert speed in History(steps_per_epoch=steps_per_epoch, records=records).table()


def test_what_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no epoch"):
        History().table()
    with pytest.raises(DataError, match=r"history\.jsonl"):
        History.read(tmp_path)
    (tmp_path / "history.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="not a history"):
        History.read(tmp_path)
    (tmp_path / "history.jsonl").write_bytes(b'{"epoch": "\xff"}\n')
    with pytest.raises(DataError, match=r"history\.jsonl cannot be read .*train again"):
        History.read(tmp_path)


def test_read_from_a_folder(tmp_path: Path) -> None:
    history = History(records=[record(1), record(2, test_loss=None)])
    (tmp_path / "history.jsonl").write_text(history.to_jsonl())
    assert History.read(tmp_path) == history


def epochs(*steps_and_seconds: tuple[int, float]) -> History:
    return History(
        records=[
            EpochRecord(
                epoch=place, step=step, lr=0.1, train_loss=1.0, train_top1=50.0, seconds=seconds, images_per_s=1.0
            )
            for place, (step, seconds) in enumerate(steps_and_seconds, start=1)
        ]
    )


def test_a_share_of_the_time_is_a_share_of_the_steps() -> None:
    history = epochs((10, 1.0), (20, 3.0))
    shares = {0.0: 0.0, 0.125: 0.25, 0.25: 0.5, 0.625: 0.75, 1.0: 1.0}
    assert {share: history.steps_share(share) for share in shares} == shares
