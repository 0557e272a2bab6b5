"""Sphinx: the docstrings are reStructuredText with formulas, the pages Markdown."""

import symrep

project = "symrep"
author = "The symrep authors"
release = symrep.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "myst_parser"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
exclude_patterns = []
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = True
napoleon_use_ivar = True
# the README links to nothing outside, and docstrings name private modules of other packages
suppress_warnings = ["myst.xref_missing", "ref.python"]
