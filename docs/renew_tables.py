"""Write the tables that come from the code into the pages that hold them (`make readme`)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "models.md")
MARKED = re.compile(r"(<!-- models: [^\n]* -->\n).*?(<!-- /models -->)", re.DOTALL)


def model_table() -> str:
    """The models as `cifarzoo list --markdown` prints them."""
    command = [sys.executable, "-m", "cifarzoo", "list", "--markdown"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def renewed(page: str, table: str) -> str:
    """A page's text with the table between its marks."""
    text, count = MARKED.subn(lambda match: f"{match[1]}\n{table}\n{match[2]}", page)
    if count != 1:
        raise ValueError(f"a page must hold the marks of the model table once, not {count} times")
    return text


def main() -> None:
    """Renew all pages."""
    table = model_table()
    for path in PAGES:
        path.write_text(renewed(path.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
