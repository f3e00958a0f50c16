"""`cifarzoo predict`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loopback import serving
from PIL import Image

import cifarzoo
from cifarzoo.cli.pictures import read_picture
from cifarzoo.weights import search


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").resize((50, 40)).save(path)
    return path


def test_json_is_what_the_library_predicts(cli, run: Path, picture: Path) -> None:
    code, out, _ = cli("predict", picture, "--model", run, "--top", 3, "--json")
    assert code == 0
    places = json.loads(out)["predictions"][str(picture)]
    (expected,) = cifarzoo.predict(cifarzoo.load(run), read_picture(picture, 32), top=3)
    assert [place["class"] for place in places] == list(expected.classes)
    assert [place["probability"] for place in places] == pytest.approx(list(expected.probabilities))


def test_text_has_a_line_for_each_picture(cli, run: Path, picture: Path) -> None:
    code, out, _ = cli("predict", picture, picture, "--model", run)
    assert code == 0
    assert out.count(f"{picture}: ") == 2
    assert out.count("%") == 10


def test_a_broken_picture_is_reported_and_the_others_go_on(cli, run: Path, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:60])
    code, out, err = cli("predict", broken, tmp_path / "missing.png", picture, "--model", run, "--json")
    assert code == 1
    result = json.loads(out)
    assert list(result["predictions"]) == [str(picture)]
    assert set(result["errors"]) == {str(broken), str(tmp_path / "missing.png")}
    assert err.count("\n") == 2


@pytest.mark.parametrize("top", [0, -1])
def test_top_must_be_positive(cli, run: Path, picture: Path, top: int) -> None:
    code, _, err = cli("predict", picture, "--model", run, "--top", top)
    assert code == 2
    assert f"top (={top})" in err


def test_a_drawing_shows_what_could_be_read(cli, run: Path, picture: Path, tmp_path: Path) -> None:
    code, _, _ = cli("predict", picture, tmp_path / "no.png", "--model", run, "--output", tmp_path / "new" / "seen.png")
    assert code == 1
    with Image.open(tmp_path / "new" / "seen.png") as drawn:
        assert drawn.format == "PNG"
    code, _, err = cli("predict", picture, "--model", run, "--output", picture / "x.png")
    assert code == 2
    assert "cannot be written" in err


@pytest.mark.parametrize("name", ["seen.jpg", "seen"])
def test_a_drawing_is_a_png_file(cli, run: Path, picture: Path, tmp_path: Path, name: str) -> None:
    code, out, err = cli("predict", picture, "--model", run, "--output", tmp_path / name)
    assert (code, out) == (2, "")
    assert f"{name} must end in .png" in err
    assert not (tmp_path / name).exists()


def test_weights_at_an_address(cli, run: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        server.fault = lambda handler, _: handler.give((run / Path(handler.path).name).read_bytes())
        url = server.url("mine/model.safetensors")
        code, out, _ = cli("predict", picture, "--model", url)
        narrow = ("--model-set", "stem_width=8", "--model-set", "widths=[8,8,8,8]")
        few = ("--data", "digits", "--images", 40, "--batch-size", 20, "--epochs", 1, "--output", tmp_path / "on")
        assert cli("train", "baseline_cnn", *narrow, "--pretrained", url, *few).code == 0
    assert (code, out) == cli("predict", picture, "--model", run)[:2]


def test_pretrained_weights_by_default_and_by_name(
    cli, run: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PACKAGE", tmp_path / "none")
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    code, _, err = cli("predict", picture)
    assert code == 2
    assert err == "cifarzoo: no pretrained weights are there yet; train a model and name its run (--model RUN)\n"
    for end in (".safetensors", ".json"):
        target = tmp_path / "named" / f"baseline_cnn.digits{end}"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((run / f"model{end}").read_bytes())
    target.write_text(json.dumps({**json.loads(target.read_text()), "tag": "digits"}))  # the card, as published
    monkeypatch.setenv("CIFARZOO_WEIGHTS", str(tmp_path / "named"))
    (tmp_path / "here" / "baseline_cnn.digits").mkdir(parents=True)  # is not what was published
    monkeypatch.chdir(tmp_path / "here")
    wanted = cli("predict", picture, "--model", run).out
    assert cli("predict", picture).out == wanted
    monkeypatch.chdir(tmp_path)
    assert cli("predict", picture, "--model", "baseline_cnn").out == wanted
    assert cli("predict", picture).out == cli("predict", picture, "--model", "baseline_cnn.digits").out == wanted


def test_an_empty_name_stands_for_nothing(cli, picture: Path) -> None:
    code, out, err = cli("predict", picture, "--model", "")
    assert (code, out, err.count("\n")) == (2, "", 1)
