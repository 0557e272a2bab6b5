"""Cells of tables, and how they are written as plain text, LaTeX, Markdown, HTML and JSON."""

from __future__ import annotations

import html
import itertools
import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import sympy

from symrep.errors import require


@dataclass(frozen=True)
class Code:
    """Text to be set as it is, in a typewriter font where there is one: an architecture, say."""

    text: str

    def __str__(self) -> str:
        return self.text


# Text in which $...$ is mathematics, or a sequence of such text and exact objects.
Prose = str | tuple[Any, ...]


@dataclass(frozen=True)
class Formula:
    r"""Mathematics that no sympy expression shows well: as plain text and as LaTeX.

    >>> print(Formula("EK/(L - 1)", r"\mathbb{E}K/(L-1)"))
    EK/(L - 1)
    """

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    def _latex(self, printer: Any = None) -> str:
        return self.latex

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


# Numbers with errors outside these powers of ten are written with a power of their own
_LEAST_POWER, _LARGEST_POWER = -4, 6
# enough for the difference of the largest and the smallest float
_MOST_DIGITS = 700


@dataclass(frozen=True)
class Uncertain:
    r"""A number with its standard error, shown to two digits of the error.

    >>> print(Uncertain(0.74312, 0.0021), Uncertain(1234.6, 60.0), Uncertain(0.5, 0.0), Uncertain(2.654e-07, 1.2e-08))
    0.7431 +- 0.0021 1235 +- 60 0.5 (2.65 +- 0.12)e-07
    """

    value: float
    error: float

    def __post_init__(self) -> None:
        require(not self.error < 0, "error", "must not be negative", self.error)

    def _parts(self) -> tuple[str, str, int] | None:
        """The number and its error as text, without the power of ten that both share; None where there is no error to show."""
        if not (math.isfinite(self.value) and math.isfinite(self.error) and self.error > 0):
            return None
        value, error = Decimal(self.value), Decimal(self.error)
        last = int(f"{self.error:.1e}".partition("e")[2]) - 1
        with localcontext(prec=_MOST_DIGITS):
            power = max(abs(value), error).quantize(Decimal(1).scaleb(last)).adjusted()
            power = power if power < _LEAST_POWER or power > _LARGEST_POWER else 0
            value, error = value.scaleb(-power), error.scaleb(-power)
        digits = max(power - last, 0)
        return f"{value:.{digits}f}", f"{error:.{digits}f}", power

    def __str__(self) -> str:
        parts = self._parts()
        if parts is None:
            return f"{self.value:.6g}" + ("" if self.error == 0 else f" +- {self.error:.2g}")
        value, error, power = parts
        return f"({value} +- {error})e{power:+03d}" if power else f"{value} +- {error}"

    def _latex(self, printer: Any = None) -> str:
        parts = self._parts()
        if parts is None:
            return float_latex(self.value) + ("" if self.error == 0 else rf" \pm {float_latex(self.error)}")
        value, error, power = parts
        return rf"({value} \pm {error}) \times 10^{{{power}}}" if power else rf"{value} \pm {error}"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


@dataclass(frozen=True)
class Equation:
    """A named exact object, ``left = right``; ``latex_left`` is the name in LaTeX."""

    left: str
    latex_left: str
    right: Any

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"

    def _latex(self, printer: Any = None) -> str:
        return f"{self.latex_left} = {math_latex(self.right)}"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


def latex_text(text: str) -> str:
    """Plain text with the special characters of LaTeX escaped.

    >>> print(latex_text("50% of a_b"))
    50\\% of a\\_b
    """
    return "".join(
        "\\" + c if c in "&%$#_{}" else {"\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"}.get(c, c) for c in text
    )


def latex_prose(text: str) -> str:
    """Text with its special characters escaped outside ``$...$``.

    >>> print(latex_prose("50% of $a_1$ & more"))
    50\\% of $a_1$ \\& more
    """
    pieces = text.split("$")
    if len(pieces) % 2 == 0:
        return latex_text(text)
    return "$".join(
        piece if inside else latex_text(piece) for piece, inside in zip(pieces, itertools.cycle((False, True)))
    )


def is_sequence(cell: Any) -> bool:
    return isinstance(cell, Sequence) and not isinstance(cell, str)


def text_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if is_sequence(cell):
        return "; ".join(map(text_cell, cell))
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return plain_text(cell) if isinstance(cell, str) else str(cell)


_DOUBLE_BITS = 53


def csv_cell(cell: Any) -> str:
    """A cell as text that loses nothing: floats with all their digits.

    >>> csv_cell(1 / 3), csv_cell(0.1), csv_cell((2 / 3, 2)), csv_cell(None), csv_cell(sympy.Float(1 / 3))
    ('0.3333333333333333', '0.1', '0.6666666666666666; 2', '', '0.3333333333333333')
    """
    if is_sequence(cell):
        return "; ".join(map(csv_cell, cell))
    if isinstance(cell, float) or (isinstance(cell, sympy.Float) and cell._prec == _DOUBLE_BITS):
        return repr(float(cell))
    return text_cell(cell)


_COMMANDS = {"pm": "+-", "to": "->", "infty": "infinity", "le": "<=", "ge": ">=", "dim": "dim", "times": "x"}


def plain_text(text: str) -> str:
    r"""Text without dollar signs, commands of LaTeX by their names.

    >>> plain_text(r"at most $\lambda \le \mathbb{E}K$")
    'at most lambda <= EK'
    """
    text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
    text = re.sub(r"\\(?:mathbb|mathrm|operatorname)\{(\w+)\}", r"\1", text.replace("$", "").replace(r"\,", " "))
    text = re.sub(r"_\{(\w+)\}", r"_\1", text)
    return re.sub(r"\\([a-zA-Z]+)", lambda match: _COMMANDS.get(match[1], match[1]), text)


def sentence(prose: Prose, cell_format: Callable[[Any], str], text_format: Callable[[str], str]) -> str:
    parts = (prose,) if isinstance(prose, str) else prose
    return "".join(text_format(part) if isinstance(part, str) else cell_format(part) for part in parts)


def math_latex(cell: Any) -> str:
    """The LaTeX of an exact object, without dollar signs."""
    if hasattr(cell, "_repr_latex_") and hasattr(cell, "_latex") and not isinstance(cell, sympy.Basic):
        return cell._latex()
    return sympy.latex(cell)


def float_latex(value: float) -> str:
    r"""Six significant digits, a power of ten where it has one.

    >>> float_latex(0.25), float_latex(-1.5e-07), float_latex(float("inf"))
    ('0.25', '-1.5 \\times 10^{-7}', '\\infty')
    """
    if math.isinf(value):
        return r"-\infty" if value < 0 else r"\infty"
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def latex_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return rf"\texttt{{{latex_text(cell.text)}}}"
    if is_sequence(cell):
        return r"\begin{tabular}[t]{@{}l@{}}" + r" \\ ".join(map(latex_cell, cell)) + r"\end{tabular}"
    if isinstance(cell, str):
        return latex_prose(cell)
    if isinstance(cell, float):
        return f"${float_latex(cell)}$"
    return f"${math_latex(cell)}$".replace(r"\frac", r"\dfrac")


def siunitx_cell(cell: Any) -> str:
    r"""As :func:`latex_cell`, with numbers for the package siunitx to set.

    >>> siunitx_cell(1.5e-07), siunitx_cell(Uncertain(0.74312, 0.0021)), siunitx_cell(sympy.Rational(1, 2))
    ('\\num{1.5e-07}', '\\num{0.7431 +- 0.0021}', '$\\dfrac{1}{2}$')
    """
    is_number = isinstance(cell, int | float | sympy.Integer) and not isinstance(cell, bool)
    if is_number and math.isfinite(cell):
        return rf"\num{{{text_cell(cell)}}}"
    if isinstance(cell, Uncertain) and math.isfinite(cell.value) and math.isfinite(cell.error):
        return rf"\num{{{str(cell).replace('(', '').replace(')', '')}}}"
    return latex_cell(cell)


def markdown_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return f"`{cell.text}`"
    if is_sequence(cell):
        return "; ".join(map(markdown_cell, cell))
    if isinstance(cell, (str, int, float)):
        return (text_cell(cell) if not isinstance(cell, str) else cell).replace("|", r"\|")
    return f"${math_latex(cell)}$".replace("|", r"\vert ")


def html_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return f"<code>{html.escape(cell.text)}</code>"
    if is_sequence(cell):
        return "<br>".join(map(html_cell, cell))
    if isinstance(cell, (str, int, float)):
        return html.escape(text_cell(cell))
    return f"${html.escape(math_latex(cell))}$"


def json_cell(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    if isinstance(cell, numbers.Integral):
        return int(cell)
    if cell is None or isinstance(cell, (float, str)):
        return cell
    if is_sequence(cell):
        return [json_cell(item) for item in cell]
    return str(cell)
