"""`cifarzoo plot`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image


def test_runs_become_one_picture(cli, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "other")
    picture = tmp_path / "both.png"
    code, out, _ = cli("plot", run, tmp_path / "other", "--output", picture, "--json")
    assert code == 0
    result = json.loads(out)
    assert set(result["last"]) == {run.name, "other"}
    with Image.open(picture) as image:
        assert image.format == "PNG"


def test_runs_of_one_name_are_told_apart_by_their_paths(cli, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / run.name)
    code, out, _ = cli("plot", run, tmp_path / run.name, "--output", tmp_path / "both.png", "--json")
    assert code == 0
    assert len(json.loads(out)["last"]) == 2


def test_mistakes_are_one_line(cli, run: Path, tmp_path: Path) -> None:
    for runs, output, said in (
        ((tmp_path,), tmp_path / "a.png", "history.jsonl is not there"),
        ((run, run), tmp_path / "a.png", "named twice"),
        ((run,), run / "recipe.json" / "a.png", "cannot be written"),
        ((run,), ".", "--output . is a folder"),
        ((tmp_path,), tmp_path / "a.pdf", "a.pdf must end in .png"),
    ):
        code, _, err = cli("plot", *runs, "--output", output)
        assert code == 2
        assert said in err
        assert err.count("\n") == 1
