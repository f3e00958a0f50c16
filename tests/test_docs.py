"""The documentation builds without a warning and covers the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation's tools come with the extra 'docs'")

ROOT = Path(__file__).parent.parent
PARTS = (
    "data",
    "augment",
    "recipes",
    "training",
    "weights",
    "models",
    "layers",
    "interop",
    "factory",
    "registry",
    "errors",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-d", str(folder / "doctrees")]
    done = subprocess.run([*command, str(ROOT / "docs"), str(folder / "html")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_its_api_page(built: Path, part: str) -> None:
    text = (built / "api" / "_generated" / f"{part}.html").read_text(encoding="utf-8")
    assert f'id="module-cifarzoo.{part}' in text


def test_every_page_is_reached_from_the_index(built: Path) -> None:
    index = (built / "index.html").read_text(encoding="utf-8")
    pages = [path.stem for path in (ROOT / "docs").glob("*.md") if path.stem != "index"]
    assert not [page for page in pages if f'href="{page}.html"' not in index]
