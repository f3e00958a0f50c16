"""`cifarzoo train`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cifarzoo

NARROW = ("--model-set", "stem_width=8", "--model-set", "widths=[8,8,8,8]")
DIGITS = ("--data", "digits", "--images", 40, "--batch-size", 20, "--epochs", 1)


def test_a_run_leaves_its_folder(run: Path) -> None:
    files = {path.name for path in run.iterdir()}
    assert {"recipe.json", "environment.json", "history.csv", "loss.png", "model.safetensors", "model.json"} <= files
    recipe = json.loads((run / "recipe.json").read_text())
    assert (recipe["model"], recipe["data"], recipe["epochs"], recipe["batch_size"]) == (
        "baseline_cnn",
        "digits",
        1,
        20,
    )
    model = cifarzoo.load(run)
    assert model.card.train_images == 40
    assert model.num_features == 8


def test_json_says_what_came_out(cli, tmp_path: Path) -> None:
    code, out, _ = cli("train", "baseline_cnn", *DIGITS, *NARROW, "--output", tmp_path / "run", "--seed", 3, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["train_images"] == 40
    assert result["epoch"] == 1
    assert result["step"] == 2
    assert 0 <= result["test_top1"] <= 100


def test_options_and_settings_reach_the_recipe(cli, tmp_path: Path) -> None:
    options = ("--lr", 0.01, "--optimizer", "sgd", "--augment", "baseline", "--set", "label_smoothing=0.2")
    code, out, _ = cli("train", "baseline_cnn", *DIGITS, *NARROW, *options, "--output", tmp_path / "run")
    assert code == 0
    assert str(tmp_path / "run" / "model.safetensors") in out
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    wanted = {"lr": 0.01, "optimizer": "sgd", "augment": "baseline", "label_smoothing": 0.2}
    assert {key: recipe[key] for key in wanted} == wanted


def test_the_same_seed_gives_the_same_weights(cli, tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cli("train", "baseline_cnn", *DIGITS, *NARROW, "--seed", seed, "--output", tmp_path / folder).code == 0
    first, again, other = ((tmp_path / folder / "model.safetensors").read_bytes() for folder in "abc")
    assert first == again
    assert first != other


def test_a_finished_run_is_left_alone_until_it_is_to_be_replaced(cli, tmp_path: Path) -> None:
    line = ("train", "baseline_cnn", *DIGITS, *NARROW, "--output", tmp_path / "run")
    assert cli(*line).code == 0
    weights = tmp_path / "run" / "model.safetensors"
    written_ns = weights.stat().st_mtime_ns
    assert cli(*line).code == 0
    assert weights.stat().st_mtime_ns == written_ns
    code, _, err = cli(*line, "--seed", 5)
    assert code == 2
    assert "holds another run" in err
    assert cli(*line, "--seed", 5, "--resume", "never").code == 0
    assert weights.stat().st_mtime_ns > written_ns


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_same_command_goes_on(tmp_path: Path, number: signal.Signals, code: int) -> None:
    options = [str(word) for word in (*DIGITS, *NARROW, "--epochs", 6, "--output", tmp_path / "run")]
    command = [sys.executable, "-m", "cifarzoo", "train", "baseline_cnn", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        for line in running.stderr:
            if line.startswith("epoch"):
                break
        running.send_signal(number)
        rest = running.stderr.read()
    assert running.returncode == code, rest
    assert "epoch 6/6" not in rest
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on with the run" in done.stderr
    assert cifarzoo.load(tmp_path / "run").card.epochs == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet", *DIGITS), "no model is named 'resnet'"),
        (("baseline_cnn", "--data", "mnist"), "no data set is named 'mnist'"),
        (("baseline_cnn", "--data", "cifar10"), "--root"),
        (("baseline_cnn", "--data", "cifar10", "--root", "nowhere"), "nowhere"),
        (("baseline_cnn",), "--data"),
        (("--data", "cifar10"), "name one"),
        (("baseline_cnn", "--data", "digits", "--images", 0), "--images 0"),
        (("baseline_cnn", "--data", "digits", "--images", 10**6), "--images 1000000"),
        (("baseline_cnn", "--data", "digits", "--images", 20, "--batch-size", 21), "batch_size"),
        (("baseline_cnn", "--data", "digits", "--images", 20, "--set", "batch_size=21"), "batch_size"),
        (("baseline_cnn", "--data", "digits", "--images", 20, "--recipe", "digits"), "batch_size"),
        (("baseline_cnn", *DIGITS, "--recipe", "quik"), "nearest: quick"),
        (("baseline_cnn", *DIGITS, "--set", "lr"), "KEY=VALUE"),
        (("baseline_cnn", *DIGITS, "--set", "learning_rate=1"), "no field 'learning_rate'"),
        (("baseline_cnn", *DIGITS, "--model-set", "depth=2"), "no setting 'depth'"),
        (("baseline_cnn", *DIGITS, "--model-set", "widths=2"), "cannot be built with {'widths': 2}"),
        (("baseline_cnn", *DIGITS, "--model-set", "dropout=2"), "dropout (=2)"),
        (("baseline_cnn", *DIGITS, "--lr", -1), "lr (=-1.0)"),
        (("baseline_cnn", *DIGITS, "--epochs", 0), "epochs (=0)"),
        (("baseline_cnn", *DIGITS, "--augment", "nothing"), "'nothing'"),
        (("baseline_cnn", *DIGITS, "--resume", "maybe"), "resume (='maybe')"),
        (("baseline_cnn", *DIGITS, "--device", "nothing"), "device (='nothing')"),
        (("baseline_cnn", *DIGITS, "--holdout", 1.5), "fraction (=1.5)"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_written(cli, tmp_path: Path, arguments: tuple, said: str) -> None:
    code, out, err = cli("train", *arguments, "--output", tmp_path / "run")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("file", ["", "model.safetensors"])
def test_the_weights_to_begin_with_are_not_cleared(cli, run: Path, tmp_path: Path, file: str) -> None:
    own = tmp_path / "run"
    shutil.copytree(run, own)
    before = {path: path.read_bytes() for path in own.iterdir()}
    line = ("train", "baseline_cnn", *DIGITS, *NARROW, "--pretrained", own / file, "--output", own)
    code, out, err = cli(*line, "--resume", "never")
    assert (code, out) == (2, "")
    assert "choose another --output" in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in own.iterdir()} == before


def test_an_unwritable_folder_is_one_line(cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = cli("train", "baseline_cnn", *DIGITS, *NARROW, "--output", tmp_path / "file" / "run")
    assert code == 2
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_a_part_is_held_out_to_select_by(cli, tmp_path: Path) -> None:
    line = ("train", "baseline_cnn", *DIGITS, *NARROW, "--batch-size", 10, "--holdout", 0.25)
    code, out, _ = cli(*line, "--output", tmp_path / "run", "--json")
    assert code == 0
    result = json.loads(out)
    assert (result["train_images"], result["holdout_images"]) == (30, 10)
    assert 0 <= result["holdout_top1"] <= 100
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (result["top1"], result["selected_epoch"]) == (card["top1"], 1) == (card["top1"], card["selected_epoch"])
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert (environment["train"]["images"], environment["holdout"]["images"]) == (30, 10)


def test_pictures_that_are_too_small_for_the_model_are_one_line(cli, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (20, 20), 50 * number).save(tmp_path / "pictures" / name / f"{number}.png")
    line = ("train", "baseline_cnn", "--data", "folder", "--root", tmp_path / "pictures", "--batch-size", 4)
    code, out, err = cli(*line, "--size", 4, "--output", tmp_path / "run")
    assert (code, out) == (2, "")
    assert "px or more" in err
    assert err.count("\n") == 1


def test_the_table_of_the_report_ends_a_run(cli, tmp_path: Path) -> None:
    _, _, err = cli("train", "baseline_cnn", *DIGITS, *NARROW, "--output", tmp_path / "run")
    assert "Param | Epoch | Speed" in err
    assert "| Train Acc | Test Acc" in err


def test_only_the_first_process_says_what_came_out(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # of a group of one, which changes nothing else
    for end in ([], ["--json"]):
        assert cli("train", "baseline_cnn", *DIGITS, *NARROW, *end, "--output", tmp_path / "run")[:2] == (0, "")


def test_empty_weights_to_begin_with_are_refused(cli, tmp_path: Path) -> None:
    code, out, err = cli("train", "baseline_cnn", *DIGITS, *NARROW, "--pretrained", "", "--output", tmp_path / "run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "pretrained (='')" in err
