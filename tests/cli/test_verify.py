"""`cifarzoo verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cifarzoo.weights import search

NAME = "baseline_cnn.digits"


@pytest.fixture(autouse=True)
def folder(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one set of weights, the only one that is found."""
    for end in (".safetensors", ".json"):
        (tmp_path / f"{NAME}{end}").write_bytes((run / f"model{end}").read_bytes())
    change_card(tmp_path, tag="digits")
    monkeypatch.setattr(search, "PACKAGE", tmp_path)
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path


def change_card(folder: Path, name: str = NAME, **fields: object) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize("which", [NAME, "--all"])
def test_weights_that_are_as_their_card_says(cli, folder: Path, which: str) -> None:
    code, out, _ = cli("verify", which, "--json")
    assert code == 0
    (report,) = json.loads(out)
    card = json.loads((folder / f"{NAME}.json").read_text())
    assert (report["name"], report["ok"], report["sha256"]) == (NAME, True, card["sha256"])
    assert [check["name"] for check in report["checks"]] == ["top1", "top5", "ece"]
    assert all(check["measured"] == pytest.approx(check["card"]) for check in report["checks"])
    assert report["note"] is None


def test_a_run_s_folder_can_be_verified(cli, run: Path) -> None:
    code, out, _ = cli("verify", run)
    assert code == 0
    assert "ok; SHA-256 " in out
    assert "top1 " in out


def test_another_accuracy_is_a_mismatch(cli, folder: Path) -> None:
    change_card(folder, top1=json.loads((folder / f"{NAME}.json").read_text())["top1"] + 0.06)
    code, out, _ = cli("verify", NAME)
    assert code == 1
    assert f"{NAME}: FAILED" in out
    assert out.count("MISMATCH") == 1


def test_other_bytes_are_a_mismatch(cli, folder: Path) -> None:
    content = bytearray((folder / f"{NAME}.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / f"{NAME}.safetensors").write_bytes(content)
    code, out, _ = cli("verify", "--all")
    assert code == 1
    assert "FAILED" in out
    assert "its card says" in out


def test_weights_that_cannot_be_fetched_are_a_mismatch(cli, folder: Path) -> None:
    (folder / f"{NAME}.safetensors").unlink()
    code, out, _ = cli("verify", "--all")
    assert code == 1
    assert "its card names no legal address" in out


def test_without_the_data_only_the_hash_is_checked(cli, folder: Path, tmp_path: Path) -> None:
    change_card(folder, dataset="cifar10")
    for options in ((), ("--root", tmp_path)):
        code, out, _ = cli("verify", NAME, *options)
        assert code == 0
        assert "only the hash was checked: " in out
        assert "top1" not in out


def test_damaged_data_are_no_verdict(cli, folder: Path, tmp_path: Path) -> None:
    change_card(folder, dataset="cifar10")
    for batch in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        path = tmp_path / "cifar-10-batches-bin" / f"{batch}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
    code, out, _ = cli("verify", NAME, "--root", tmp_path)
    assert code == 1
    assert f"{NAME}: FAILED; SHA-256 " in out
    assert "has 100 bytes" in out


def test_a_root_that_is_none(cli, tmp_path: Path) -> None:
    code, _, err = cli("verify", NAME, "--root", tmp_path / "none")
    assert code == 2
    assert "none is no folder" in err


def test_one_that_cannot_be_built_does_not_keep_the_others_from_their_turn(
    cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in (".safetensors", ".json"):
        (folder / f"baseline_cnn.a-b{end}").write_bytes((folder / f"{NAME}{end}").read_bytes())
    change_card(folder, "baseline_cnn.a-b", tag="a-b", settings={"widths": 5})
    (tmp_path / "here" / NAME).mkdir(parents=True)  # stands for nothing, since no path was named
    monkeypatch.chdir(tmp_path / "here")
    code, out, _ = cli("verify", "--all", "--json")
    assert code == 1
    bad, good = json.loads(out)
    assert (bad["name"], bad["ok"], good["name"], good["ok"]) == ("baseline_cnn.a-b", False, NAME, True)
    assert "cannot be built with {'widths': 5}" in bad["problem"]


def test_one_of_name_and_all(cli) -> None:
    for arguments in ((), (NAME, "--all")):
        code, _, err = cli("verify", *arguments)
        assert code == 2
        assert "name weights, or give --all" in err


def test_an_unknown_name(cli) -> None:
    code, _, err = cli("verify", "baseline_cnn.cars")
    assert code == 2
    assert f"of baseline_cnn there are: {NAME}" in err
