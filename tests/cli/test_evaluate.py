"""`cifarzoo eval`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
