"""`cifarzoo lr-find`."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

LINE = "lr-find baseline_cnn --model-set stem_width=8 --model-set widths=[8,8,8,8] --data digits --images 60"
SHORT = (*LINE.split(), "--batch-size", 20, "--steps", 12, "--highest", 1)


def test_a_suggestion_and_its_curve(cli, tmp_path: Path) -> None:
    code, out, err = cli(*SHORT, "--output", tmp_path / "curve.png")
    assert code == 0, err
    assert out.startswith("suggested: --lr ")
    with Image.open(tmp_path / "curve.png") as picture:
        assert len(picture.convert("L").getcolors()) > 10  # something is drawn


def test_json_holds_the_curve(cli, tmp_path: Path) -> None:
    code, out, _ = cli(*SHORT, "--output", tmp_path / "curve.png", "--seed", 3, "--lowest", 1e-4, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["lrs"][0] == 1e-4
    assert len(found["lrs"]) == len(found["losses"]) <= 12
    assert found["suggested"] in found["lrs"]
    assert found["picture"] == str(tmp_path / "curve.png")


def test_a_mistake_is_one_line(cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for wrong, said in (
        (("--lowest", 5), "lowest (=5.0)"),
        (("--set", "depth=2"), "no field 'depth'"),
        (("--recipe", "nothing"), "no recipe is named 'nothing'"),
        (("--batch-size", 1000), "batch_size"),
        (("--output", tmp_path / "file" / "curve.png"), "cannot be written"),
        (("--output", ".", "--images", -1), "--output . is a folder"),  # said first
    ):
        code, out, err = cli(*SHORT, "--output", tmp_path / "curve.png", *wrong)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1
