"""The rules of the house, read from the syntax trees of the package."""

from __future__ import annotations

import ast
import statistics
from collections import Counter
from pathlib import Path

import pytest

import cifarzoo.models
from cifarzoo import registry

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cifarzoo"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

OURS = [name for name in registry.names() if registry.find(name).builder.__module__.startswith("cifarzoo.models.")]

LONGEST_FILE, MEDIAN_FILE = 300, 150
LONGEST_FUNCTION, LONGEST_LOOP = 60, 120
NO_NAME_FOR_A_FILE = {"utils.py", "util.py", "common.py", "helpers.py", "misc.py"}
NO_NETWORK = {"__init__", "base"}  # files of cifarzoo/models that hold no family

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file(path: Path) -> None:
    tree = TREES[path]
    assert path.name not in NO_NAME_FOR_A_FILE, "name a file by the noun that it holds"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(tree), "a file says what it holds"
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, f"raise a CifarZooError instead of asserting: lines {asserts}"
    if not path.is_relative_to(PACKAGE / "cli"):
        prints = [call.lineno for call in calls(tree, "print")]
        assert not prints, f"only cifarzoo/cli writes to the terminal: lines {prints}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions(path: Path) -> None:
    longest = LONGEST_LOOP if path == PACKAGE / "training" / "trainer.py" else LONGEST_FUNCTION
    for function in functions(TREES[path]):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= longest, f"{function.name} has {lines} lines"
        if function.name == "__init__":
            assert function.args.kwarg is None, f"line {function.lineno}: name the arguments"


def test_only_one_function_is_as_long_as_the_training_loop() -> None:
    long = [
        function.name
        for tree in TREES.values()
        for function in functions(tree)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert len(long) <= 1, long


def test_median_file_is_short() -> None:
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in FILES if path.name != "__init__.py"]
    assert statistics.median(lengths) < MEDIAN_FILE


def test_tests_mirror_the_package() -> None:
    """Each file has its tests; those of model files and of the command line's entry are held in common."""
    common = {PACKAGE / "__main__.py", *(PACKAGE / "models").glob("*.py")}
    wanted = {
        (ROOT / "tests" / path.relative_to(PACKAGE)).with_name(f"test_{path.name}")
        for path in FILES
        if path.name != "__init__.py" and path not in common
    }
    missing = sorted(name_of(path) for path in wanted if not path.is_file())
    assert not missing


def test_test_folders_are_those_of_the_package() -> None:
    packages = {path.parent.relative_to(PACKAGE) for path in FILES}
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders <= packages


def test_registered_names_start_with_the_stem_of_their_file() -> None:
    wrong = [name for name in OURS if not name.startswith(registry.find(name).family)]
    assert not wrong


def test_a_name_is_registered_in_exactly_one_place() -> None:
    places: Counter[str] = Counter()
    for path in (PACKAGE / "models").glob("*.py"):
        for call in calls(TREES[path], "register"):
            assert isinstance(call.args[0], ast.Constant), f"{name_of(path)}:{call.lineno}: write the name out"
            places[call.args[0].value] += 1
    assert places == Counter(OURS)


def test_every_model_file_registers_a_model_and_is_imported() -> None:
    stems = {path.stem for path in (PACKAGE / "models").glob("*.py")} - NO_NETWORK
    assert stems == {registry.find(name).family for name in OURS}
    assert all(hasattr(cifarzoo.models, stem) for stem in stems)
