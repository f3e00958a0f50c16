from __future__ import annotations

import json
from pathlib import Path

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
