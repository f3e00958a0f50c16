"""Short runs of the report's recipes, on small fakes and with a small model in place of the nine."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from data_fakes import binary10, write_files

import cifarzoo
from cifarzoo import data
from cifarzoo.bench import recipes as bench
from cifarzoo.bench.recipes import _falls, bench_recipes, shortened
from cifarzoo.errors import DataError, SettingError
from cifarzoo.recipes import REPORT, get

NARROW = {"stem_width": 8, "widths": (8, 8, 8, 8)}
SIZE = {"images": 40, "test_images": 10, "epochs": 2}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake CIFAR-10, and two rows that train a narrow model on it."""
    create = partial(cifarzoo.create, **NARROW)
    opened = partial(data.CIFAR10, partial=True)
    monkeypatch.setattr(bench.cifarzoo, "create", create)
    monkeypatch.setattr(bench.data, "open", lambda name, root, split: opened(root, split))
    monkeypatch.setattr(bench, "REPORT", tuple(replace(row, model="baseline_cnn") for row in REPORT[:2]))
    return write_files(tmp_path / "root", binary10(per_batch=20)[0])


def test_each_recipe_is_run_once_and_the_file_goes_on(root: Path, tmp_path: Path) -> None:
    file, said = tmp_path / "record.json", []
    first = bench_recipes(root, file, **SIZE, names=["report/residual"])
    assert [run["recipe"] for run in first["runs"]] == ["report/residual"]
    record = bench_recipes(root, file, **SIZE, say=said.append)
    assert [run["recipe"] for run in record["runs"]] == ["report/residual", "report/baseline"]
    assert record["runs"][0] == first["runs"][0]
    assert json.loads(file.read_text()) == record
    assert f"report/residual: is in {file}" in said
    for run in record["runs"]:
        assert (run["images"], run["test_images"], run["epochs"], run["steps"]) == (40, 10, 2, 2)
        assert len(run["loss"]) == len(run["test_top1"]) == len(run["images_per_s"]) == 2
        assert run["loss_falls"] == _falls([run["first_loss"], *run["loss"]])


def test_another_record_is_left_alone(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    for content in ("{", "[]", '{"kind": "other"}'):
        file.write_text(content)
        with pytest.raises(DataError, match="name another file"):
            bench_recipes(root, file, **SIZE)
        assert file.read_text() == content
    with pytest.raises(DataError, match="name another file"):
        bench_recipes(root, tmp_path, **SIZE)
    with pytest.raises(SettingError, match="cannot be written"):
        bench_recipes(root, file / "record.json", **SIZE)
    file.unlink()
    bench_recipes(root, file, **SIZE, names=["report/baseline"])
    with pytest.raises(DataError, match="epochs=3"):
        bench_recipes(root, file, **{**SIZE, "epochs": 3})


def test_only_the_reports_recipes(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="report/baseline"):
        bench_recipes(root, tmp_path / "record.json", names=["quick"])


@pytest.mark.parametrize("row", REPORT, ids=lambda row: row.row)
def test_a_shortened_schedule_is_the_same_one(row) -> None:
    whole = get(row.recipe)
    short = shortened(whole, 2, 10_000)
    assert short.warmup_epochs / short.epochs == pytest.approx(whole.warmup_epochs / whole.epochs)
    changed = {"epochs", "warmup_epochs"}
    before, after = (json.loads(recipe.to_json()) for recipe in (whole, short))
    assert {key for key in before if before[key] != after[key]} == changed
    assert shortened(whole, 2, 50).batch_size == min(50, whole.batch_size)


def test_falling() -> None:
    assert _falls([3.0, 2.0, 1.0])
    assert not _falls([3.0, 3.0, 1.0])
    assert not _falls([3.0, 2.0, float("nan")])
