"""How Sphinx builds the documentation: Markdown pages, API pages from the docstrings."""

import importlib
from pathlib import Path

import cifarzoo
from cifarzoo import files
from cifarzoo.weights import search
from cifarzoo.weights.rendering import render

project = "cifarzoo"
author = "the cifarzoo contributors"
release = version = cifarzoo.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "results"]
html_theme = "furo"
html_title = f"cifarzoo {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def api_pages() -> dict[str, str]:
    """One page for each part of the package, with every module in it: none can be forgotten."""
    package = Path(cifarzoo.__file__).parent
    pages = {}
    for part in sorted(package.iterdir()):
        if part.name in ("cli", "__init__.py", "__main__.py") or not (part.is_dir() or part.suffix == ".py"):
            continue
        sources = [part] if part.is_file() else sorted(path for path in part.rglob("*.py") if path.stem != "__init__")
        modules = [".".join(("cifarzoo", *path.relative_to(package).with_suffix("").parts)) for path in sources]
        if modules:
            title = f"cifarzoo.{part.stem}"
            body = "\n".join(f".. automodule:: {module}" for module in modules)
            pages[f"{part.stem}.md"] = f"# {title}\n\n{offered(title)}```{{eval-rst}}\n{body}\n```\n"
    return pages


def card_pages() -> dict[str, str]:
    """The card of all weights in the package, a page each."""
    names = sorted(path.stem for path in search.PACKAGE.glob("*.json"))
    return {f"{name}.md": render(search.info(name), "docs") for name in names}


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    """Let a folder hold these pages and no others; another build may read them, or do the same, meanwhile."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink(missing_ok=True)
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            files.write_text(path, text)


def offered(part: str) -> str:
    """What one may import from a part itself, a sentence; nothing for a part that is one module."""
    module = importlib.import_module(part)
    names = getattr(module, "__all__", ()) if hasattr(module, "__path__") else ()
    return f"`{part}` offers {', '.join(f'`{name}`' for name in names)}.\n\n" if names else ""


write_pages(Path(__file__).parent / "api" / "_generated", api_pages())
write_pages(Path(__file__).parent / "cards", card_pages())
