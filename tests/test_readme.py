"""The README says what is so: its quick start runs as pasted, its table is the registry's."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def as_script(language: str, code: str) -> str:
    """A block as one would paste it into a shell."""
    return code if language == "bash" else f"python - <<'PASTED'\n{code}PASTED\n"


def test_the_blocks_run_as_pasted_one_after_the_other(tmp_path: Path) -> None:
    blocks = [match.groups() for match in BLOCK.finditer(README) if match[1] in ("bash", "python")]
    assert [language for language, _ in blocks] == ["bash", "python", "python"]
    script = "".join(as_script(language, code) for language, code in blocks)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "torch.Size([2, 200])" in done.stdout
    assert (tmp_path / "runs" / "digits" / "loss.png").is_file()


def test_commands_that_need_data_are_spelled_as_the_command_line_knows_them() -> None:
    shell = "".join(code for language, code in BLOCK.findall(README) if language in ("sh", "bash"))
    lines = [line.split() for line in shell.splitlines() if line.startswith("cifarzoo ")]
    assert len(lines) >= 6
    for _, command, *words in lines:
        done = subprocess.run([sys.executable, "-m", "cifarzoo", command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert not [word for word in words if word.startswith("--") and word not in done.stdout]


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_model_table_is_current(page: str) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "renew_tables.py"))
    text = (ROOT / page).read_text(encoding="utf-8")
    assert script["renewed"](text, script["model_table"]()) == text, "run `make readme`"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\bmake ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page} names make {target}"


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_contributing_is_short() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert "add a model in four steps" in text.lower()
