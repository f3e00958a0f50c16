"""How Sphinx builds the documentation: Markdown pages, API pages from the docstrings."""

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
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
