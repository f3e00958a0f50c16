"""Data sets as commands name them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cifarzoo.cli.sets import open_set, set_of
from cifarzoo.errors import SettingError
from cifarzoo.weights import Card


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, grey in (("cat", 50), ("dog", 200)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (70, 50), grey + number).save(tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path / "pictures"


def test_a_folder_takes_the_models_size_unless_one_is_given(pictures: Path) -> None:
    assert open_set("folder", pictures, "train", size=None, model_size=40).images.shape[1:] == (3, 40, 40)
    assert open_set("folder", pictures, "test", size=48, model_size=40).images.shape[1:] == (3, 48, 48)


def test_an_official_set_has_its_own_size() -> None:
    assert open_set("digits", None, "test", size=None, model_size=64).images.shape[1:] == (3, 32, 32)
    with pytest.raises(SettingError, match="size"):
        open_set("digits", None, "test", size=64, model_size=64)


def test_pictures_of_ones_own_from_training_to_a_prediction(cli, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    data = ("--data", "folder", "--root", pictures)
    narrow = ("--model-set", "stem_width=8", "--model-set", "widths=[8,8,8,8]")
    options = ("--epochs", 1, "--batch-size", 4, "--output", run)
    assert cli("train", "baseline_cnn", *data, *narrow, *options).code == 0
    code, out, _ = cli("eval", run, "--root", pictures)
    assert code == 0
    assert "(folder, test, 1 view)" in out
    code, out, _ = cli("predict", pictures / "cat" / "0.png", "--model", run)
    assert code == 0
    assert "cat" in out
    assert "dog" in out


@pytest.mark.filterwarnings("default::cifarzoo.weights.fitting.AdaptedWarning")
def test_trained_weights_go_on_with_other_classes(cli, pictures: Path, run: Path, tmp_path: Path) -> None:
    options = ("--epochs", 1, "--batch-size", 4, "--output", tmp_path / "run", "--pretrained", run)
    code, _, err = cli(
        "train", "baseline_cnn", "--recipe", "finetune", "--data", "folder", "--root", pictures, *options
    )
    assert code == 0, err
    assert "AdaptedWarning: baseline_cnn from " in err


@pytest.mark.parametrize(
    ("recipe", "dataset", "expected"),
    [
        ({"data": "cifar10"}, "digits", "digits"),  # a recipe may be taken to other data
        ({"data": "folder"}, "pets", "folder"),
        ({"data": "cifar10"}, None, "cifar10"),
        (None, "digits", "digits"),
        (None, None, None),
    ],
)
def test_the_set_that_weights_learned_from(
    recipe: dict[str, str] | None, dataset: str | None, expected: str | None
) -> None:
    assert set_of(Card(arch="net", num_classes=2, recipe=recipe, dataset=dataset)) == expected
