"""`cifarzoo weights`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cifarzoo.weights import search

NAME = "baseline_cnn.digits"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(search, "PACKAGE", tmp_path / "weights")
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "weights"


@pytest.fixture
def published(cli, run: Path, folder: Path) -> Path:
    result = cli("weights", "publish", run, NAME, "--output", folder, "--dtype", "bf16", "--allow-loss")
    assert result.code == 0, result.err
    assert result.out.startswith(f"{folder / NAME}.safetensors: ")
    return folder


def test_published_weights_work_by_name(cli, published: Path) -> None:
    code, out, _ = cli("weights", "list", "--json")
    assert code == 0
    (listed,) = json.loads(out)
    assert listed["name"] == NAME
    assert listed["dtype"] == "bfloat16"
    assert NAME in cli("weights", "list").out
    assert cli("verify", NAME).code == 0


def test_a_broken_card_does_not_keep_the_others_from_the_list(cli, published: Path) -> None:
    (published / "baseline_cnn.broken.json").write_text("{")
    code, out, err = cli("weights", "list", "--json")
    assert code == 1
    assert [one["name"] for one in json.loads(out)] == [NAME]
    assert err.count("\n") == 1
    assert "baseline_cnn.broken.json is not JSON" in err
    code, out, _ = cli("weights", "list")
    assert code == 1
    assert NAME in out


def test_info(cli, published: Path) -> None:
    card = json.loads((published / f"{NAME}.json").read_text())
    assert json.loads(cli("weights", "info", NAME, "--json").out) == card
    code, out, _ = cli("weights", "info", "baseline_cnn")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 120
    assert card["sha256"] in out


def test_card(cli, published: Path, tmp_path: Path) -> None:
    code, out, _ = cli("weights", "card", NAME)
    assert code == 0
    assert out.startswith(f"# {NAME}\n")
    assert cli("weights", "card", NAME, "--format", "hf", "--output", tmp_path / "README.md").code == 0
    assert (tmp_path / "README.md").read_text().endswith(out)
    code, _, err = cli("weights", "card", NAME, "--output", tmp_path)
    assert (code, err.count("\n")) == (2, 1)


def test_the_card_of_a_run_s_weights_under_a_name(cli, run: Path, folder: Path) -> None:
    folder.mkdir()
    for end in (".safetensors", ".json"):
        (folder / f"baseline_cnn.mine{end}").write_bytes((run / f"model{end}").read_bytes())
    assert cli("weights", "card", "baseline_cnn.mine").out.startswith("# baseline_cnn.mine\n")


def test_nothing_published(cli) -> None:
    assert cli("weights", "list", "--json").out == "[]\n"
    code, _, err = cli("weights", "info", NAME)
    assert code == 2
    assert "no weights are published" in err


def test_publish_where_the_addresses_will_be(cli, run: Path, folder: Path) -> None:
    options = ("--url", "https://one/x", "--url", "https://two/x", "--hub", "someone/zoo", "--allow-loss", "--json")
    card = json.loads(cli("weights", "publish", run, NAME, "--output", folder, *options).out)
    assert (card["urls"], card["hub_id"]) == (["https://one/x", "https://two/x"], "someone/zoo")


def test_a_run_that_is_none(cli, tmp_path: Path, folder: Path) -> None:
    code, _, err = cli("weights", "publish", tmp_path, NAME, "--output", folder)
    assert code == 2
    assert "model.safetensors is not there" in err
