"""Tables in every format, down to the characters."""

from __future__ import annotations

import csv
import io
import json

import pytest
import sympy

from symrep import Partition
from symrep.display import FORMATS, Column, Table, latex_text, math_latex
from symrep.errors import InvalidArgumentError

x = sympy.Symbol("x")
TABLE = Table(
    "powers",
    "All $x^k$.",
    (Column("shape", "shape", r"$\lambda$"), Column("value_1", "a & b", align="r"), Column("note", "note")),
    (
        (Partition((2, 1)), x**2 / 3, None),
        (Partition((4,)), 0.1234567891, ("one", x)),
        (Partition(()), 10**30, 'a|b, "c"'),
    ),
    ("At most $x$.", "Second."),
)


def test_text():
    assert TABLE.to_text().splitlines() == [
        "All x^k.",
        "",
        "shape  a & b                            note",
        "-----  -------------------------------  --------",
        "(2,1)  x**2/3",
        "(4)    0.123457                         one; x",
        '()     1000000000000000000000000000000  a|b, "c"',
        "",
        "At most x.",
        "Second.",
    ]
    assert str(TABLE) == TABLE.to_text()


def test_csv_is_read_back():
    rows = list(csv.reader(io.StringIO(TABLE.to_csv())))
    assert rows == [
        ["shape", "value_1", "note"],
        ["(2,1)", "x**2/3", ""],
        ["(4)", "0.123457", "one; x"],
        ["()", str(10**30), 'a|b, "c"'],
    ]


def test_json_is_read_back():
    content = json.loads(TABLE.to_json())
    assert content["label"] == "powers" and content["notes"][1] == "Second."
    assert content["rows"] == [
        {"shape": "(2,1)", "value_1": "x**2/3", "note": None},
        {"shape": "(4)", "value_1": 0.1234567891, "note": ["one", "x"]},
        {"shape": "()", "value_1": 10**30, "note": 'a|b, "c"'},
    ]
    assert sympy.sympify(content["rows"][0]["value_1"]) == x**2 / 3


def test_markdown():
    lines = TABLE.to_markdown().splitlines()
    assert lines[:5] == [
        "All $x^k$.",
        "",
        r"| $\lambda$ | a & b | note |",
        "| --- | --- | --- |",
        r"| $(2,1)$ | $\frac{x^{2}}{3}$ |  |",
    ]
    assert lines[5] == "| $(4)$ | 0.123457 | one; $x$ |"
    assert lines[6] == rf'| $()$ | {10**30} | a\|b, "c" |'
    assert lines[-3:] == ["At most $x$.", "", "Second."]


def test_a_bar_in_mathematics_does_not_split_a_markdown_cell():
    table = Table("t", "c", (Column("k", "k"),), ((sympy.Abs(x),),))
    row = table.to_markdown().splitlines()[-1]
    assert row.count("|") == 2 and r"\vert" in row


def test_latex():
    lines = TABLE.to_latex().splitlines()
    assert lines[0] == r"\begin{table}[htbp]" and lines[-1] == r"\end{table}"
    assert r"\caption{All $x^k$.}" in lines and r"\label{tab:powers}" in lines
    assert r"\begin{tabular}{lrl}" in lines
    assert r"$\lambda$ & a \& b & note \\" in lines
    assert r"$(2,1)$ & $\dfrac{x^{2}}{3}$ &  \\" in lines
    assert r"$(4)$ & $0.123457$ & \begin{tabular}[t]{@{}l@{}}one \\ $x$\end{tabular} \\" in lines
    assert TABLE.to_latex().count(r"\begin{") == TABLE.to_latex().count(r"\end{")


def test_html_is_escaped():
    table = Table(
        "t",
        "a < b",
        (Column("k", "<k>"),),
        (("<script>",), (x < 1,), (("&", None),), (Partition((2, 1)),)),
        ("<note>",),
    )
    text = table._repr_html_()
    for escaped in (
        "a &lt; b",
        "<th>&lt;k&gt;</th>",
        "<td>&lt;script&gt;</td>",
        "<td>$x &lt; 1$</td>",
        "<td>&amp;<br></td>",
    ):
        assert escaped in text
    assert "<td>$(2,1)$</td>" in text and "<p>&lt;note&gt;</p>" in text


def test_no_notes_no_note_lines():
    table = Table("t", "c", (Column("k", "k"),), ((1,),))
    assert table.to_text() == "c\n\nk\n-\n1"
    assert "minipage" not in table.to_latex()
    assert json.loads(table.to_json())["notes"] == []


@pytest.mark.parametrize("format", FORMATS)
def test_the_door_to_all_formats(format):
    assert TABLE.to(format) == getattr(TABLE, f"to_{format}")()


def test_unknown_format():
    with pytest.raises(InvalidArgumentError, match="format must be one of text, markdown, latex, csv, json, got 'pdf'"):
        TABLE.to("pdf")


@pytest.mark.parametrize("row", [(1,), (1, 2, 3)])
def test_rows_have_one_cell_per_column(row):
    with pytest.raises(InvalidArgumentError, match="rows must have 2 cells each"):
        Table("t", "c", (Column("a", "a"), Column("b", "b")), ((1, 2), row))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50% of a_b & c#", r"50\% of a\_b \& c\#"),
        ("{$}", r"\{\$\}"),
        ("a\\b", r"a\textbackslash{}b"),
        ("~^", r"\~{}\^{}"),
        ("plain", "plain"),
    ],
)
def test_latex_text(text, escaped):
    assert latex_text(text) == escaped


def test_math_latex():
    assert math_latex(Partition((2, 1))) == "(2,1)"
    assert math_latex(x / 2) == r"\frac{x}{2}"
    assert math_latex(3) == "3"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"$\lambda \le 1$", "lambda <= 1"),
        (r"$L \to \infty$", "L -> infinity"),
        (r"$\mathbb{E} K \pm 1$", "E K +- 1"),
        (r"$\Delta \times \delta$", "Delta x delta"),
    ],
)
def test_text_spells_out_mathematics(written, plain):
    assert Table("t", written, (Column("k", "k"),), ()).to_text().splitlines()[0] == plain


def test_json_has_no_nan():
    """NaN and Infinity are no JSON."""
    text = Table("t", "c", (Column("k", "k"),), ((float("nan"),), (float("inf"),))).to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
