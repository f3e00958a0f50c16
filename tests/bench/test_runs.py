from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import cifarzoo
from cifarzoo.bench.runs import run_record, write_record
from cifarzoo.data import ArrayDataset
from cifarzoo.errors import DataError, SettingError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8, generator=generator)
    dataset = ArrayDataset(images, torch.arange(12) % 3, ("a", "b", "c"))
    model = cifarzoo.create("baseline_cnn", num_classes=3, seed=0)
    recipe = cifarzoo.Recipe(epochs=2, batch_size=6)
    cifarzoo.Trainer(model, recipe, output_dir=folder, progress=False).fit(dataset, dataset)
    return folder


def test_a_record_says_what_the_run_measured(run: Path) -> None:
    record = run_record(run)
    assert (record["model"], record["train_images"], record["epochs"]) == ("baseline_cnn", 12, 2)
    assert len(record["history"]) == 2
    flop = 6 * cifarzoo.model_info("baseline_cnn").macs * 24  # forward, and twice backward; the first layer only once
    assert 0.8 * flop < 1e15 * record["pflop"] < flop
    assert record["seconds"] == pytest.approx(sum(epoch["seconds"] for epoch in record["history"]), abs=0.1)
    assert record["top1"] == record["history"][-1]["test_top1"]
    assert record["weights_sha256"] == cifarzoo.load(run).card.sha256


def test_a_record_is_json_that_reads_back(run: Path, tmp_path: Path) -> None:
    record = run_record(run)
    write_record(record, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text()) == record


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        run_record(tmp_path)


def test_a_run_whose_environment_is_damaged_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "environment.json").write_text("{")
    with pytest.raises(DataError, match=r"environment\.json cannot be read"):
        run_record(tmp_path / "run")


def test_a_record_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot be written \(.*choose another place"):
        write_record({}, tmp_path)
