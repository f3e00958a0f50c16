"""The examples run as they are, and the demonstration notices when something is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
FOREIGN = {"lightning_module.py": ("pytorch_lightning",), "hugging_face_trainer.py": ("transformers", "accelerate")}
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name not in ("demo.py", *FOREIGN))


def run(script: str, folder: Path, *arguments: str, warnings: str = "error") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": warnings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_runs(script: str, tmp_path: Path) -> None:
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of the test images are right" in done.stdout


@pytest.mark.parametrize("script", FOREIGN)
def test_example_for_another_trainer(script: str, tmp_path: Path) -> None:
    for package in FOREIGN[script]:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = run(script, tmp_path, warnings="ignore")  # theirs are not ours to mend
    assert done.returncode == 0, done.stderr
    right = re.search(r"([0-9.]+) % of the test images are right", done.stdout)
    assert right
    assert float(right[1]) > 30  # of ten classes: it learns what the batches hold


def test_demo_goes_the_whole_way_and_fails_below_its_accuracy(tmp_path: Path) -> None:
    done = run("demo.py", tmp_path, "--images", "40", "--epochs", "1", "--batch-size", "20")
    assert done.returncode == 1
    assert "something is broken" in done.stderr
    for step in ("train baseline_cnn", "eval demo-run", "predict demo-run", "loss.png", "model.safetensors", "Next:"):
        assert step in done.stdout
    assert (tmp_path / "demo-run" / "digits" / "loss.png").is_file()
    assert len(list((tmp_path / "demo-run" / "digits" / "pictures").glob("*.png"))) == 5


def test_demo_says_what_is_missing(tmp_path: Path) -> None:
    done = run("demo.py", tmp_path, "--data-root", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("cifarzoo: CIFAR-10 is not found")
    assert done.stderr.count("\n") == 1
