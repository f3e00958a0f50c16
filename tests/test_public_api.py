"""What `import cifarzoo` offers, and what it does not cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cifarzoo

HEAVY = {"torchvision", "timm", "datasets", "matplotlib", "typer", "rich", "PIL"}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after it ran some code."""
    report = "import json, sys\nprint('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    script = f"{code}\n{report}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    loaded = modules_after("import cifarzoo")
    assert "cifarzoo" in loaded
    assert not loaded & HEAVY


def test_building_a_model_loads_nothing_heavy() -> None:
    loaded = modules_after("import cifarzoo; cifarzoo.create('baseline_cnn')")
    assert "torch" in loaded
    assert not loaded & HEAVY


def test_help_does_not_load_torch() -> None:
    loaded = modules_after(
        "from cifarzoo.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    assert "typer" in loaded
    assert not loaded & {"torch", "torchvision", "timm", "datasets", "matplotlib", "PIL"}


def test_all_is_sorted_and_every_name_resolves() -> None:
    assert cifarzoo.__all__ == sorted(cifarzoo.__all__)
    for name in cifarzoo.__all__:
        assert getattr(cifarzoo, name) is not None, name
    assert set(cifarzoo.__all__) <= set(dir(cifarzoo))


def test_type_checkers_see_every_public_name() -> None:
    """The lazy names are written twice: for the interpreter and, under TYPE_CHECKING, for readers of types."""
    source = Path(cifarzoo.__file__).read_text(encoding="utf-8")
    declared = {line.rsplit(" as ", 1)[1] for line in source.splitlines() if line.startswith("    from cifarzoo")}
    assert declared == set(cifarzoo.__all__)


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cifarzoo.nothing
