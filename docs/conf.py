"""How Sphinx builds the documentation: Markdown pages, API pages from the docstrings."""

from pathlib import Path

import cifarzoo

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


def write_api_pages() -> None:
    """One page for each part of the package, with every module in it: none can be forgotten."""
    package = Path(cifarzoo.__file__).parent
    pages = Path(__file__).parent / "api" / "_generated"
    pages.mkdir(exist_ok=True)
    for old in pages.glob("*.md"):
        old.unlink()
    for part in sorted(package.iterdir()):
        if part.name in ("cli", "__init__.py", "__main__.py") or not (part.is_dir() or part.suffix == ".py"):
            continue
        files = [part] if part.is_file() else sorted(path for path in part.rglob("*.py") if path.stem != "__init__")
        modules = [".".join(("cifarzoo", *path.relative_to(package).with_suffix("").parts)) for path in files]
        if modules:
            title = f"cifarzoo.{part.stem}"
            body = "\n".join(f".. automodule:: {module}" for module in modules)
            (pages / f"{part.stem}.md").write_text(f"# {title}\n\n```{{eval-rst}}\n{body}\n```\n")


write_api_pages()
