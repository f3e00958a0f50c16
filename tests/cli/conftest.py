"""Call the command line inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cifarzoo.cli import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``cli("list", "--json")`` gives the exit code and what was written."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(int(end.value.code or 0), out, err)

    return call


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that a command wrote."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    narrow = "--model-set stem_width=8 --model-set widths=[8,8,8,8]"
    line = f"train baseline_cnn {narrow} --data digits --images 40 --batch-size 20 --epochs 1 --output {folder}"
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert not end.value.code
    return folder
