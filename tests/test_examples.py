"""The examples run as they are, and the demonstration notices when something is broken."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cifarzoo
from cifarzoo import registry

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


def test_a_model_of_one_s_own_is_registered_with_its_true_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_SPECS", dict(registry._SPECS))
    spec = importlib.util.spec_from_file_location("register_model", EXAMPLES / "register_model.py")
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    info = cifarzoo.model_info("tiny_net")
    model = cifarzoo.create("tiny_net").eval()
    assert info.params == sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 32, 32))
    assert 2 * info.macs == counter.get_total_flops()


def test_demo_goes_the_whole_way_and_fails_below_its_accuracy(tmp_path: Path) -> None:
    done = run("demo.py", tmp_path, "--images", "40", "--epochs", "1", "--batch-size", "20")
    assert done.returncode == 1
    assert "something is broken" in done.stderr
    for step in ("train baseline_cnn", "eval demo-run", "predict demo-run", "loss.png", "model.safetensors", "Next:"):
        assert step in done.stdout
    assert (tmp_path / "demo-run" / "digits" / "loss.png").is_file()
    assert (tmp_path / "demo-run" / "seen.png").is_file()
    assert len(list((tmp_path / "demo-run" / "digits" / "pictures").glob("*.png"))) == 5


def test_demo_says_what_is_missing(tmp_path: Path) -> None:
    done = run("demo.py", tmp_path, "--data-root", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("cifarzoo: CIFAR-10 is not found")
    assert done.stderr.count("\n") == 1
