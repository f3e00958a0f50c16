from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from cifarzoo.bench import batch
from cifarzoo.bench.batch import bench_batch, draw_batch, measure
from cifarzoo.errors import SettingError, UnknownModelError


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that makes 100 images a second and has room for 32."""

    def alone(model: str, batch_size: int, *rest: object) -> tuple[float, float] | None:
        return (100.0, 10.0 * batch_size) if batch_size <= 32 else None

    monkeypatch.setattr(batch, "_alone", alone)


@pytest.mark.usefixtures("memory")
def test_rows_end_where_memory_does(tmp_path: Path) -> None:
    said: list[str] = []
    record = bench_batch("baseline_cnn", batch_sizes=(64, 8, 32, 128, 8), say=said.append)
    assert json.loads(json.dumps(record)) == record
    assert [row["batch_size"] for row in record["rows"]] == [8, 32, 64]
    first, _, last = record["rows"]
    assert first == {"batch_size": 8, "images_per_s": 100.0, "gflop_per_s": 72.9, "ms_per_step": 80.0, "peak_mb": 80}
    assert set(last.values()) == {64, None}
    assert len(said) == 3 and "does not fit" in said[-1]
    draw_batch(record, tmp_path / "speed.png")
    with Image.open(tmp_path / "speed.png") as picture:
        assert len(picture.convert("L").getcolors()) > 10  # something is drawn
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match="cannot be written"):
        draw_batch(record, tmp_path / "file" / "speed.png")


@pytest.mark.usefixtures("memory")
def test_another_size_has_no_count_of_operations() -> None:
    record = bench_batch("baseline_cnn", batch_sizes=[8], size=64)
    assert (record["size_px"], record["rows"][0]["gflop_per_s"]) == (64, None)


@pytest.mark.usefixtures("memory")
def test_mistakes() -> None:
    with pytest.raises(UnknownModelError):
        bench_batch("nothing")
    with pytest.raises(SettingError, match="batch_sizes"):
        bench_batch("baseline_cnn", batch_sizes=[0])
    with pytest.raises(SettingError, match=r"size \(=4\)"):
        bench_batch("baseline_cnn", size=4)


def test_measuring() -> None:
    rate, peak_mb = measure("baseline_cnn", 2, 32, "fp32", 0.0, "cpu", torch.get_num_threads())
    assert rate > 0
    assert peak_mb > 50  # of the process


def test_a_process_that_the_system_kills_did_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "measure", os._exit)
    assert batch._alone(9) is None
