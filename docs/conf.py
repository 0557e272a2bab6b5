"""Sphinx: the docstrings are reStructuredText with formulas, the pages Markdown."""

import pydoc
import re

import symrep

project = "symrep"
author = "The symrep authors"
release = symrep.__version__
# the last brings MathJax into the pages, which are read without a network then
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "myst_parser",
    "sphinx-mathjax-offline",
]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
exclude_patterns = []
autodoc_member_order = "bysource"
autodoc_typehints = "none"
# what a layer overrides is described once, at the base of all layers
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = True
# one entry for names that are documented together, in Parameters as in Attributes
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_attr_annotations = False
# the README links to nothing outside, and docstrings name private modules of other packages
suppress_warnings = ["myst.xref_missing", "ref.python"]


def keep_first_line(app, what, name, obj, options, lines):
    """Put an empty comment first: napoleon takes "text: more text" at the start of a property for its type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def hide_constructor(app, what, name, obj, options, signature, return_annotation):
    """Leave out the arguments of a class that a function makes; its docstring says so first."""
    doc = getattr(obj, "__doc__", None) or ""
    made = re.search("made by :|make one with :", doc.split("\n\n")[0].lower())
    if what == "class" and made and "Parameters\n" not in doc:
        return "", None
    return None


def follow_import(app, env, node, contnode):
    """Link a name that is imported from elsewhere, as symrep.spectrum is, to the place where it is documented."""
    if node.get("refdomain") != "py":
        return None
    target, parts = node["reftarget"], (node.get("py:module") or "").split(".")
    packages = [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    for name in (target, *(f"{package}.{target}" for package in packages)):
        found = pydoc.locate(name) if name.startswith("symrep.") else None
        module, place = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
        if module and place:
            domain = env.get_domain("py")
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"{module}.{place}", node, contnode)
    return None


def setup(app):
    """Before napoleon, which reads docstrings at priority 500."""
    app.connect("autodoc-process-docstring", keep_first_line, priority=400)
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("missing-reference", follow_import)
