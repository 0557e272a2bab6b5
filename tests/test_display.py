"""Tables in every format, down to the characters."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
import sympy

from symrep import Partition, character_table
from symrep.display import (
    FORMATS,
    Column,
    Formula,
    Table,
    Uncertain,
    latex_text,
    math_latex,
    uncertain_cells,
    uncertain_columns,
)
from symrep.errors import InvalidArgumentError, InvalidTypeError, MissingPackageError, SizeLimitError
from symrep.tables import character_table_table

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
        ["(4)", "0.1234567891", "one; x"],
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
    assert lines[0] == "% packages: amsmath, booktabs"
    assert lines[1] == r"\begin{table}[htbp]" and lines[-1] == r"\end{table}"
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


def test_numbers_with_errors():
    assert [str(Uncertain(*pair)) for pair in ((0.74312, 0.0021), (1234.56, 98.0), (-3e-5, 2.4e-6), (1.0, 0.0))] == [
        "0.7431 +- 0.0021",
        "1235 +- 98",
        "(-3.00 +- 0.24)e-05",
        "1",
    ]
    assert str(Uncertain(float("nan"), 1.0)) == "nan +- 1" and str(Uncertain(2.0, float("inf"))) == "2 +- inf"
    assert str(Uncertain(2e8, 3e6)) == "(2.000 +- 0.030)e+08" and str(Uncertain(0.0, 2e-7)) == "(0.0 +- 2.0)e-07"
    assert str(Uncertain(3e-4, 1e-5)) == "0.000300 +- 0.000010"
    assert (
        str(Uncertain(1e-310, 1e-312)) == "(1.000 +- 0.010)e-310"
        and str(Uncertain(9.9999e-5, 1e-7)) == "0.00010000 +- 0.00000010"
    )
    assert (
        str(Uncertain(1e300, 2e298)) == "(1.000 +- 0.020)e+300"
        and str(Uncertain(-9.9999e7, 1e4)) == "(-9.9999 +- 0.0010)e+07"
    )
    assert (
        Uncertain(1e-9, 0.0)._latex() == r"1 \times 10^{-9}"
        and Uncertain(2.0, float("inf"))._latex() == r"2 \pm \infty"
    )
    assert Uncertain(2.654e-7, 1.2e-8)._repr_latex_() == r"$(2.65 \pm 0.12) \times 10^{-7}$"
    assert Uncertain(0.5, 0.25)._repr_latex_() == r"$0.50 \pm 0.25$"
    with pytest.raises(InvalidArgumentError, match="error must not be negative, got -1"):
        Uncertain(1, -1)
    columns = uncertain_columns("mean", "the mean")
    table = Table("t", "c", tuple(columns), (uncertain_cells(0.123456789, 0.012),))
    assert table.to_csv() == "mean,mean_error\n0.123456789,0.012" and "0.123 +- 0.012" in table.to_text()
    assert json.loads(table.to_json())["rows"] == [{"mean": 0.123456789, "mean_error": 0.012}]
    assert r"$0.123 \pm 0.012$" in table.to_latex() and r"0.123 \pm 0.012" in table.to_markdown()


def test_frames():
    pandas = pytest.importorskip("pandas")
    frame = TABLE.to_frame()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == ["shape", "value_1", "note"]
    assert frame["shape"][0] == Partition((2, 1)) and frame["value_1"][0] == x**2 / 3 and frame["value_1"][2] == 10**30


def test_frames_without_pandas(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match=r"data frames need pandas.*pip install pandas"):
        TABLE.to_frame()


def test_long_tables():
    rows = tuple((n, x**n) for n in range(41))
    columns = (Column("n", "n", "$n$", align="r"), Column("power", "a power"))
    table = Table("long", "Powers of $x$.", columns, rows, ("A note of 50%.",))
    found = table.to_latex()
    first, second, third, *_ = found.splitlines()
    assert first == "% packages: amsmath, booktabs, longtable"
    assert (second, third) == (r"\begingroup\small", r"\begin{longtable}{rl}")
    assert r"\caption{Powers of $x$.}\label{tab:long} \\" in found and found.count(r"$n$ & a power \\") == 2
    assert found.count(r"$x^{40}$ \\") == 1 and r"{\footnotesize A note of 50\%.\par}" in found
    assert r"\begin{table}" in table.to_latex(long=False) and r"\begin{longtable}" in TABLE.to_latex(long=True)
    assert r"\begin{table}" in Table("long", "c", columns, rows[:40]).to_latex()
    assert r"\begin{table}" in table.to_latex(fit=True) and "longtable" not in table.to_latex(fit=True)


@pytest.mark.parametrize("n", [3, 10])
def test_captions_with_indices(n):
    from symrep.tables import character_table_table

    table = character_table_table(n)
    assert f"Character table of S_{n}; columns" in table.to_text()
    assert (r"$S_{10}$" if n == 10 else "$S_3$") in table.to_latex()


def test_tables_are_scaled_to_the_line():
    wide = sympy.Symbol("x") ** 2 + sum(sympy.symbols("y0:40"))
    table = Table("t", "c", (Column("k", "k"),), ((wide,),), (("E = ", wide, "."), "Plain."))
    text = table.to_latex(fit=True)
    scaled = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{"
    assert text.count(scaled) == 2 and f"{scaled}%\n\\begin{{tabular}}" in text and f"{scaled}E = " in text
    assert (
        text.startswith("% packages: amsmath, booktabs, graphicx\n") and r"\resizebox*{!}{\ifdim\totalheight>" in text
    )
    assert table.to_latex(siunitx=True).startswith("% packages: amsmath, booktabs, siunitx\n")
    assert text.count("{") == text.count("}") and "resizebox" not in table.to_latex()
    with pytest.raises(
        InvalidArgumentError, match="fit must be False for a longtable, which breaks over pages, got True"
    ):
        table.to_latex(long=True, fit=True)


@pytest.mark.parametrize("long", [False, True])
def test_numbers_for_siunitx(long):
    cells = (3, -1.5e-7, Uncertain(2.654e-7, 1.2e-8), float("inf"), Uncertain(0.5, 0.0), sympy.Rational(1, 3))
    columns = tuple(Column(f"c{i}", f"c{i}") for i in range(6))
    text = Table("t", "c", columns, (cells,), (("At ", 2.5, "."),)).to_latex(long=long, siunitx=True)
    row = r"\num{3} & \num{-1.5e-07} & \num{2.65 +- 0.12e-07} & $\infty$ & \num{0.5} & $\dfrac{1}{3}$ \\"
    assert row in text and "At $2.5$." in text


def test_tables_across_both_columns_under_names_of_their_own():
    text = TABLE.to_latex(wide=True, label="mine", caption="Mine, of $x$.", fit=True)
    assert r"\begin{table*}[htbp]" in text and text.endswith(r"\end{table*}") and r"\resizebox" in text
    assert r"\label{tab:mine}" in text and r"\caption{Mine, of $x$.}" in text
    assert TABLE.to_latex(label="mine") == TABLE.to_latex().replace("tab:powers", "tab:mine")
    rows = tuple((n,) for n in range(41))
    long = Table("t", "c", (Column("n", "n"),), rows)
    assert "longtable" not in long.to_latex(wide=True, fit=True) and "longtable" not in long.to_latex(False, wide=True)
    with pytest.raises(
        InvalidArgumentError, match="wide must come with fit=True or long=False .* 40 rows, got 41 rows"
    ):
        long.to_latex(wide=True)
    assert TABLE.to_latex(label="tab:mine") == TABLE.to_latex(label="mine")
    with pytest.raises(
        InvalidArgumentError, match="wide must be False for a longtable, which needs one column, got True"
    ):
        TABLE.to_latex(long=True, wide=True)


def test_columns_are_selected_with_both_their_forms():
    columns = (
        Column("n", "n"),
        Column("value", "value", only="data"),
        Column("value_shown", "value", only="display"),
        Column("exact", "exact", only="data"),
        *uncertain_columns("first", "simulated"),
        *uncertain_columns("second", "simulated"),
    )
    row = (2, sympy.sqrt(2), Formula("root", r"\surd"), 7, *uncertain_cells(1.0, 0.5), *uncertain_cells(2.0, 0.5))
    table = Table("t", "Caption.", columns, (row,))
    assert table.select("value", "n").text_grid() == [["value", "n"], ["root", "2"]]
    assert table.select("value").to_csv() == "value\nsqrt(2)" and table.select("second").to_csv().startswith(
        "second,second_error\n"
    )
    assert table.select("second").text_grid()[1] == ["2.00 +- 0.50"] and table.select("simulated").text_grid()[1] == [
        "1.00 +- 0.50",
        "2.00 +- 0.50",
    ]
    assert table.select("exact").text_grid() == [["exact"], ["7"]]
    assert (table.select("n").caption, table.select("n").label) == ("Caption.", "t")
    noted = replace(table, notes=("A note.",))
    assert noted.select("n").notes == ("A note.",) and noted.select("n", notes=False).notes == ()
    with pytest.raises(InvalidArgumentError, match="names must name a column"):
        table.select()
    with pytest.raises(
        InvalidArgumentError, match="names must be among n, value, value_shown, exact, first, .*, got 'm'"
    ):
        table.select("m")


def test_paragraphs_of_wide_tables():
    columns = (Column("a", "a"), Column("long", "a long heading"))
    table = Table("t", "Caption.", columns, (("x; y", (1, 2)), (None, "one\ntwo"), ((), 3)), notes=("A note.",))
    lines = table.to_text(width=5).split("\n")
    assert lines == [
        *("Caption.", "", "a               x; y", "a long heading  1", "                2", ""),
        *("a", "a long heading  one", "                two", "", "a", "a long heading  3", "", "A note."),
    ]
    assert (
        table.to_text(width=100) == table.to_text()
        and replace(table, rows=()).to_text(width=5).split("\n")[2] == "a  a long heading"
    )
    many = Table("t", "c", tuple(Column(f"k{i}", "heading") for i in range(16)), ((1,) * 16,))
    assert many.to_text(width=5) == many.to_text() != many.select(*(f"k{i}" for i in range(15))).to_text()
    for wrong, error in ((0, InvalidArgumentError), ("80", InvalidTypeError)):
        with pytest.raises(error, match="width must be"):
            table.to_text(width=wrong)


@pytest.mark.parametrize("label", ["", "a b", "a}", "50%"])
def test_labels_that_latex_does_not_take(label):
    with pytest.raises(InvalidArgumentError, match="label must be made of letters, digits and : . / .* got"):
        Table("t", "c", (Column("a", "a"),), ((1,),)).to_latex(label=label)


def test_character_tables_of_millions_of_entries_are_no_tables():
    characters = character_table(26)
    with pytest.raises(SizeLimitError, match="n must be small enough for a table of at most 4000000 entries, got 26"):
        characters.table()
    with pytest.raises(SizeLimitError, match=r"got 2000: S_2000 has more than 5\.8e\+62"):
        character_table_table(2000)
