"""`cifarzoo eval`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import cifarzoo


def test_json_is_what_the_library_measures(cli, run: Path) -> None:
    code, out, _ = cli("eval", run, "--json")
    assert code == 0
    result = json.loads(out)
    expected = cifarzoo.evaluate(cifarzoo.load(run), cifarzoo.data.open("digits", split="test"))
    assert (result["data"], result["split"], result["images"]) == ("digits", "test", expected.images)
    assert result["top1"] == pytest.approx(expected.top1)
    assert result["loss"] == pytest.approx(expected.loss)


def test_the_card_holds_the_same_accuracy(cli, run: Path) -> None:
    result = json.loads(cli("eval", run / "model.safetensors", "--data", "digits", "--json").out)
    assert result["top1"] == pytest.approx(json.loads((run / "model.json").read_text())["top1"])


def test_text_names_accuracy_and_data(cli, run: Path) -> None:
    code, out, _ = cli("eval", run, "--split", "train")
    assert code == 0
    assert "top-1" in out
    assert "(digits, train, 1 view)" in out


def test_no_run_is_one_line(cli, tmp_path: Path) -> None:
    code, out, err = cli("eval", tmp_path)
    assert (code, out) == (2, "")
    assert "model.safetensors is not there" in err
    assert err.count("\n") == 1


def test_altered_weights_are_refused(cli, run: Path, tmp_path: Path) -> None:
    content = bytearray((run / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    (tmp_path / "model.json").write_bytes((run / "model.json").read_bytes())
    code, _, err = cli("eval", tmp_path)
    assert code == 2
    assert "SHA-256" in err


def test_plots_lie_in_the_runs_folder_or_where_they_are_wanted(cli, run: Path, tmp_path: Path) -> None:
    names = ("confusion.png", "mistakes.png")
    code, out, _ = cli("eval", run, "--plots", "--output", tmp_path / "new")
    assert code == 0
    for name in names:
        assert str(tmp_path / "new" / name) in out
        with Image.open(tmp_path / "new" / name) as picture:
            assert len(picture.convert("L").getcolors()) > 10  # something is drawn
    assert not any((run / name).exists() for name in names)
    result = json.loads(cli("eval", run / "model.safetensors", "--plots", "--json").out)
    assert result["plots"] == [str(run / name) for name in names]
    for name in names:
        assert (run / name).read_bytes() == (tmp_path / "new" / name).read_bytes()
        (run / name).unlink()


def test_plots_that_cannot_be_written_are_one_line(cli, run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = cli("eval", run, "--plots", "--output", tmp_path / "file")
    assert code == 2
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_data_of_other_classes_are_one_line(cli, run: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("L", (40, 40), 50 * number).save(tmp_path / name / f"{number}.png")
    code, out, err = cli("eval", run, "--data", "folder", "--root", tmp_path)
    assert (code, out) == (2, "")
    assert "2 classes" in err
    assert err.count("\n") == 1


def test_as_many_classes_of_other_names_are_said(cli, run: Path, tmp_path: Path) -> None:
    for place in range(10):
        (tmp_path / f"thing {place}").mkdir()
        for number in range(5):
            Image.new("L", (40, 40), 50 * number).save(tmp_path / f"thing {place}" / f"{number}.png")
    code, out, err = cli("eval", run, "--data", "folder", "--root", tmp_path)
    assert code == 0
    assert "top-1" in out
    assert "folder has other classes than" in err
    assert "other classes" not in cli("eval", run).err


def test_a_place_for_plots_asks_for_plots(cli, run: Path, tmp_path: Path) -> None:
    code, out, err = cli("eval", run, "--output", tmp_path)
    assert (code, out) == (2, "")
    assert "is for --plots; add it" in err
