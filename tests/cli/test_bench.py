from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cifarzoo.cli import main
from cifarzoo.cli.bench import _give


def test_a_record_goes_to_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _give({"kind": "test"}, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text()) == {"kind": "test"}
    assert "record.json" in capsys.readouterr().out


def test_a_record_without_a_file_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    _give({"kind": "test"}, None)
    assert json.loads(capsys.readouterr().out) == {"kind": "test"}


def test_a_folder_without_a_run_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["bench", "record", str(tmp_path)])
    assert leaving.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_recipes_that_are_in_the_record_are_shown(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"recipe": "report/baseline", "model": "baseline_cnn", "first_loss": 2.3, "loss": [2.0, 1.5]}
    run |= {"train_top1": [20.0, 40.0], "test_top1": [21.0, 41.5], "images_per_s": [99.0, 100.0]}
    asked = []

    def bench_recipes(root: Path, output: Path, **options: Any) -> dict[str, Any]:
        asked.append((root, output, options["images"], options["names"]))
        return {"runs": [run]}

    monkeypatch.setattr("cifarzoo.bench.recipes.bench_recipes", bench_recipes)
    line = ("bench", "recipes", "--root", tmp_path, "--output", tmp_path / "r.json", "--images", 50)
    code, out, _ = cli(*line, "--recipe", "report/baseline")
    assert code == 0
    assert "41.50" in out
    assert json.loads(cli(*line, "--json").out) == {"runs": [run]}
    assert asked == [(tmp_path, tmp_path / "r.json", 50, names) for names in (["report/baseline"], ())]


def test_where_to_draw_is_checked_first(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cifarzoo.bench.batch.bench_batch", lambda *_, **__: pytest.fail("measured first"))
    for place, said in ((tmp_path, "is a folder"), (tmp_path / "batch.pdf", "must end in .png")):
        code, out, err = cli("bench", "batch", "baseline_cnn", "--plot", place)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"--plot {place} {said}" in err
