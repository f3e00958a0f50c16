"""The wheel holds what the package needs and declares what it imports."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import cifarzoo

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cifarzoo"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def requirements(wheel: zipfile.ZipFile) -> list[str]:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist", [])


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def third_party_imports() -> set[str]:
    """The top-level modules that the package imports anywhere, those inside functions too."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"cifarzoo"}


def test_every_import_is_declared(requirements: list[str]) -> None:
    declared = {canonical(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in requirements}
    homes = importlib.metadata.packages_distributions()
    imported = third_party_imports()
    assert {"torch", "typer"} <= imported
    undeclared = {name for name in imported if not {canonical(home) for home in homes.get(name, [name])} & declared}
    assert not undeclared


def test_wheel_holds_the_whole_package(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if name.startswith("cifarzoo/")}
    kept = [*PACKAGE.rglob("*.py"), *(PACKAGE / "weights" / "files").glob("*.*.*")]
    written = {path.relative_to(ROOT).as_posix() for path in kept}
    assert written <= packed
    assert "cifarzoo/py.typed" in packed
    assert not {name for name in packed if "__pycache__" in name}


def test_wheel_holds_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    texts = {name.rpartition("/")[2]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    assert "Apache License" in texts["LICENSE"]
    assert "cifarzoo = cifarzoo.cli:main" in texts["entry_points.txt"]
    assert f"Version: {cifarzoo.__version__}\n" in texts["METADATA"]


def test_every_lower_bound_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = tomllib.loads(text)["project"]["dependencies"]
    for dependency in dependencies:
        (line,) = (line for line in text.splitlines() if f'"{dependency}",' in line and line.startswith("    "))
        assert re.search(r">=[\d.]+(; [^\"]+)?\",\s+# \w", line), line
