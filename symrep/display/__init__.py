"""Tables of exact objects, in every format. A base that every room may use."""

from symrep.display.cells import Code, Equation, Formula, Prose, Uncertain, float_latex, latex_text, math_latex
from symrep.display.tables import FORMATS, Column, Table, uncertain_cells, uncertain_columns

__all__ = [
    "FORMATS",
    "Code",
    "Column",
    "Equation",
    "Formula",
    "Prose",
    "Table",
    "Uncertain",
    "float_latex",
    "latex_text",
    "math_latex",
    "uncertain_cells",
    "uncertain_columns",
]
