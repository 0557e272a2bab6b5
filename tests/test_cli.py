"""The command line as a user meets it: outputs, files, and one-line errors with exit status 2."""

import collections
import contextlib
import csv
import io
import json
import re
import subprocess
import sys

import pytest
import sympy
from command_line import run

from symrep import Partition, block_spectrum, character_table, cli, kernels, learning, measures, spectrum
from symrep.cli import output
from symrep.learning import decomposition


def test_character():
    assert run("character", "10,8,6", "5,5,5,5,4") == (0, "-12\n", "")
    status, out, _ = run("character", "2,1", "3", "--format", "json")
    assert status == 0 and json.loads(out) == {"shape": [2, 1], "cycle_type": [3], "character": -1}


def test_character_table_in_every_format():
    status, out, _ = run("character-table", "4", "--format", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert (
        status == 0
        and rows[0] == ["shape", "4", "3,1", "2,2", "2,1,1", "1,1,1,1"]
        and rows[3] == ["(2,2)", "0", "-1", "2", "0", "2"]
    )
    assert "\\toprule" in run("character-table", "4", "--format", "latex")[1]
    assert json.loads(run("character-table", "4", "--format", "json")[1])["rows"][0]["4"] == 1
    assert run("character-table", "4", "--format", "markdown")[1].count("|") > 20


def test_spectrum_json_has_the_documented_keys():
    arguments = (
        "--vocab",
        "3",
        "--length",
        "4",
        "--token-variance",
        "1",
        "--position-variance",
        "1/2",
        "--format",
        "json",
    )
    status, out, _ = run("spectrum", "linear-block", *arguments)
    content = json.loads(out)
    assert status == 0
    assert (content["architecture"], content["vocab_size"], content["length"]) == ("linear-block", 3, 4)
    for level in content["levels"]:
        assert float(sympy.sympify(level["eigenvalue"])) == pytest.approx(level["value"], rel=1e-14)
    assert sum(level["degeneracy"] for level in content["levels"]) + content["zero_degeneracy"] == 81
    total = sum(level["value"] * level["degeneracy"] for level in content["levels"])
    assert total == pytest.approx(float(sympy.sympify(content["trace"])), rel=1e-12)


def test_symbolic_spectrum_json_is_read_by_sympify():
    content = json.loads(run("spectrum", "linear-block", "--symbolic", "--format", "json")[1])
    standard = [level for level in content["levels"] if level["shape"] == "(L-1,1)"]
    assert len(standard) == 2 and content["length"] == "L"
    expected = sympy.sympify("a*p*(a*L + 2*p)/(2*L)")
    assert any(sympy.simplify(sympy.sympify(level["eigenvalue"]) - expected) == 0 for level in standard)


@pytest.mark.parametrize("readout", ["pool", "flatten", "last", "query"])
def test_every_readout(readout):
    status, out, err = run("spectrum", "linear-block", "--readout", readout, "--length", "4")
    standard = "(2,1)" if readout == "last" else "(3,1)"
    assert (status, err) == (0, "") and f"\n{standard} " in out


def test_bounds():
    status, out, _ = run("bounds", "linear-block")
    assert status == 0 and "1/2/3" in out and "self-consistent" in out
    content = json.loads(run("bounds", "linear-block", "--ridge", "1/10", "--format", "json")[1])
    assert [table["label"] for table in content] == ["bounds", "samples"]
    assert run("bounds", "linear-block", "--samples")[1].count("exponents") == 0


def test_spectra_without_closed_forms_and_with_a_symbol_for_the_vocabulary(tmp_path):
    numbers = ("--token-variance", "1", "--position-variance", "1")
    status, out, _ = run("spectrum", "relu-block", "--length", "6", *numbers, "--format", "json")
    content = json.loads(out)
    assert status == 0 and content["architecture"] == "relu-block" and content["length"] == 6
    total = sum(level["value"] * level["degeneracy"] for level in content["levels"])
    assert total == pytest.approx(float(content["trace"]), rel=1e-10)
    assert all(float(level["eigenvalue"]) == level["value"] > 0 for level in content["levels"])
    closed = json.loads(run("spectrum", "linear-block", "--length", "6", *numbers, "--format", "json").out)
    assert closed.keys() == content.keys() and content["levels"][0].keys() == closed["levels"][0].keys()
    status, out, _ = run("spectrum", "softmax-block", "--length", "5", "--vocab", "3", *numbers, "--format", "csv")
    assert status == 0 and out.startswith("shape,")
    status, out, _ = run("spectrum", "linear-block", "--vocab", "V", "--order", "1", "--format", "csv")
    assert status == 0 and "2*a**2*p*(L - 2)/(L**2*V**2)" in out and "O(" in out


def test_a_plot_is_written_whole(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "relu.svg"
    arguments = ("spectrum", "relu-block", "--length", "6", "--token-variance", "1", "--position-variance", "1")
    assert run(*arguments, "--plot", str(picture))[0] == 0
    assert "<svg" in picture.read_text() and [path.name for path in tmp_path.iterdir()] == ["relu.svg"]
    status, _, err = run(*arguments, "--plot", str(tmp_path / "nowhere" / "relu.svg"))
    assert status == 2 and "--plot must be a writable file" in err


@pytest.mark.slow
def test_tables_and_verify(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("tables")
    assert status == 0 and out == f"{len(list((tmp_path / 'tables').iterdir()))} files written to tables\n"
    status, _, err = run("verify", "--directory", "nowhere")
    assert status == 2 and err.count("\n") == 1
    damaged = tmp_path / "tables" / "irreps.json"
    damaged.write_text(damaged.read_text().replace("L - 1", "L - 2"))
    monkeypatch.setattr("symrep.verification.MODELS", ())
    monkeypatch.setattr("symrep.verification.verify_finite_lengths", lambda rows: iter(()))
    status, out, err = run("verify", "--directory", "tables")
    assert status == 1 and err.startswith("symrep: dimension in table irreps deviates")
    damaged.write_text(damaged.read_text().replace("L - 2", "L - 1"))


def test_out_writes_the_file_and_nothing_else(tmp_path):
    target = tmp_path / "s4.csv"
    assert run("character-table", "4", "--format", "csv", "--out", str(target)) == (0, "", "")
    assert target.read_text().startswith("shape,4,") and [path.name for path in tmp_path.iterdir()] == ["s4.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("character", "1,2", "3"), "shape is not a partition: parts must be weakly decreasing, got (1, 2)"),
        (("character", "3,0", "3"), "parts must be positive integers, got (3, 0)"),
        (("character", "3,-1", "2"), "parts must be positive integers, got (3, -1)"),
        (("character", "-1", "2"), "parts must be positive integers, got (-1,)"),
        (("character", "3,1", "3"), "cycle_type must be a partition of 4, got (3,)"),
        (("character", "3,x", "3"), "shape is not a partition: parts must be integers such as (4,2,1), got '3,x'"),
        (("character-table", "-1"), "n must be at least 0, got -1"),
        (("character-table", "2.5"), "'2.5' is not a valid integer"),
        (
            ("character-table", "70"),
            "n must be small enough for a table of at most 4000000 entries, got 70: S_70 has 1.7e+13",
        ),
        (
            ("spectrum", "cubic-block"),
            "architecture must be one of linear-block, uniform-block, relu-block, erf-block, softmax-block, got 'cubic-block'",
        ),
        (
            ("spectrum", "linear-block", "--readout", "middle"),
            "readout must be one of pool, flatten, last, query, got 'middle'",
        ),
        (("spectrum", "linear-block", "--vocab", "0"), "--vocab must be at least 1, got 0"),
        (("spectrum", "linear-block", "--vocab", "two"), "--vocab must be an integer or V, got 'two'"),
        (
            ("spectrum", "linear-block", "--length", "4", "--order", "2"),
            "--length must be left out with --order, got '4'",
        ),
        (("spectrum", "linear-block", "--order", "0"), "order must be at least 1, got 0"),
        (("spectrum", "linear-block", "--plot", "a.gif"), "--plot must name a png, pdf or svg file, got 'a.gif'"),
        (
            ("spectrum", "linear-block", "--plot", "a.png"),
            "--length, --token-variance and --position-variance must be given as numbers: --plot",
        ),
        (
            ("spectrum", "relu-block", "--length", "4"),
            "--token-variance and --position-variance must be given as numbers: relu-block has no closed form",
        ),
        (
            ("spectrum", "erf-block", "--token-variance", "1", "--position-variance", "1"),
            "--length must be given as a number: erf-block",
        ),
        (("spectrum", "linear-block", "--length", "0"), "length must be at least 1, got 0"),
        (("spectrum", "linear-block", "--length", "n"), "--length must be an integer or L, got 'n'"),
        (
            ("spectrum", "linear-block", "--symbolic", "--length", "4"),
            "--length must be left out with --symbolic, got '4'",
        ),
        (
            ("spectrum", "linear-block", "--token-variance", "-1"),
            "--token-variance must not be negative, got '-1'",
        ),
        (
            ("spectrum", "linear-block", "--position-variance", "-1/2"),
            "--position-variance must not be negative, got '-1/2'",
        ),
        (
            ("spectrum", "linear-block", "--token-variance", "nan"),
            "must be a number or an expression in names, + - * / **, sqrt, abs and sign, got 'nan'",
        ),
        (
            ("spectrum", "linear-block", "--out", "no/such/folder/x"),
            "--out must be a writable file, got 'no/such/folder/x'",
        ),
        (("spectrum", "linear-block", "--format", "yaml"), "'yaml' is not one of"),
        (("bounds", "linear-block", "--ridge", "0"), "ridge must be positive, got 0"),
        (("bounds", "linear-block", "--learnability", "3/2"), "learnability must be strictly between 0 and 1, got 3/2"),
        (("spectrum",), "Missing argument"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_input_is_one_line_and_status_two(arguments, message):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert err.startswith("symrep: ") and err.count("\n") == 1 and message in err


def test_help_and_version_of_the_installed_command():
    for arguments in (["--version"], ["--help"], ["spectrum", "--help"], ["bounds", "-h"]):
        result = subprocess.run([sys.executable, "-m", "symrep.cli", *arguments], capture_output=True, text=True)
        assert result.returncode == 0 and "symrep" in result.stdout and result.stderr == ""


def test_out_follows_links_and_keeps_the_mode(tmp_path):
    target, link = tmp_path / "real.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    assert run("character", "2,1", "3", "--out", str(link)) == (0, "", "")
    assert link.is_symlink() and target.read_text() == "-1\n" and target.stat().st_mode & 0o777 == 0o600


def test_out_writes_into_a_pipe(tmp_path):
    import os
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    assert run("character", "2,1", "3", "--out", str(pipe)) == (0, "", "")
    reader.join(timeout=10)
    assert received == ["-1\n"] and not pipe.is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("character", "2,1", "3", "--out", " "), "--out must name a file, got ' '"),
        (("tables", "--directory", ""), "--directory must name a directory, got ''"),
        (
            ("spectrum", "linear-block", "--query-token-variance", "1"),
            "--query-token-variance must be left out unless --readout is query",
        ),
        (("spectrum", "linear-block", "--token-variance", "0x10"), "must be a number or an expression"),
    ],
)
def test_more_bad_input(arguments, message):
    status, out, err = run(*arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and message in err


def test_no_arguments_print_the_help():
    status, out, err = run()
    assert status == 0 and "Commands:" in out and err == ""


def test_csv_of_bounds_is_one_table():
    rows = list(csv.reader(io.StringIO(run("bounds", "linear-block", "--format", "csv")[1])))
    assert len({len(row) for row in rows}) == 1 and "exponents" in rows[0]


def test_a_zero_kernel():
    variances = ("--token-variance", "0", "--position-variance", "0")
    assert run("bounds", "linear-block", *variances)[0] == run("spectrum", "linear-block", *variances)[0] == 0


def test_astronomic_lengths_stay_powers():
    variances = ("--token-variance", "1", "--position-variance", "1", "--format", "json")
    content = json.loads(run("spectrum", "linear-block", "--length", str(10**30), *variances)[1])
    assert content["zero_degeneracy"].endswith(f"2**{10**30}")
    large = json.loads(
        run("spectrum", "linear-block", "--readout", "query", "--vocab", "1000", "--length", "4", "--format", "json")[1]
    )
    assert sum(level["degeneracy"] for level in large["levels"]) + large["zero_degeneracy"] == 1000**5


@pytest.mark.parametrize("width", [*range(20, 131, 10), 64, 79, 91])
def test_grids_of_any_width_show_every_word(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    net = kernels.architecture("linear-block")
    laws = learning.scaling_law(spectrum(net, measures.iid_uniform(2)))
    relu = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    of_few_rows = [
        laws.table(),
        laws.samples_table(),
        laws.spectrum.table(),
        *(character_table(n).table() for n in (6, 7)),
    ]
    for table in (*of_few_rows, block_spectrum(relu, measures.iid_uniform(3), 7).table(limit=60)):
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            output._print_rich(table)
        shown = stream.getvalue()
        letters, of_all = (collections.Counter(re.sub(r"[\W_]", "", part)) for part in (shown, table.to_text()))
        assert not of_all - letters
        if "─" in shown:
            # paragraphs repeat the headings, and grids do not
            assert letters == of_all and max(map(len, shown.splitlines())) <= width
        words = {word for row in table.text_grid() for cell in row for word in cell.replace(";", " ").split()}
        assert len(table.rows) > 50 or words <= set(shown.replace(";", " ").split())


def test_captions_and_notes_of_paragraphs_are_wrapped(monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda format_, out: True)
    monkeypatch.setenv("COLUMNS", "50")
    prose = [
        line
        for line in run("spectrum", "linear-block").out.splitlines()
        if not re.match("(shape|token|deg|at|eig|  )", line)
    ]
    assert max(map(len, prose)) <= 50 and " ".join(prose).startswith(
        "Spectrum: linear block, mean pool, uniform tokens, V = 2, length L,"
    )


def test_a_narrow_terminal_loses_nothing(monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda format_, out: True)
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = run("spectrum", "linear-block")
    assert status == 0 and "…" not in out and max(map(len, out.splitlines())) <= 80
    # a grid as long as no word has to be broken, else paragraphs of lines that the terminal breaks
    assert [line.split() for line in out.splitlines()][
        3
    ] == "shape token shape degeneracy at large L eigenvalue".split()
    monkeypatch.setenv("COLUMNS", "50")
    _, out, _ = run("spectrum", "linear-block")
    assert out.count("token shape  (") == 5 and "\neigenvalue   a*p*(L*a + 2*p)/(2*L)\n\n" in out
    _, out, _ = run("bounds", "linear-block")
    assert out.count("\n\nSamples needed per eigenfunction: ") == 1
    assert "\nself-consistent at large L  (3*a + 2*p)/(2*a)\n\nshape   " in out
    # of a table of many columns a paragraph a row would be no help
    for n in (8, 11):
        _, out, _ = run("character-table", str(n))
        assert out.splitlines()[2].split()[:4] == ["shape", str(n), str(n - 1), "1"]
    # nor would it be for many rows
    arguments = ("spectrum", "relu-block", "--vocab", "3", *numbers(8))
    monkeypatch.setenv("COLUMNS", "66")
    net = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    levels = block_spectrum(net, measures.iid_uniform(3), 8).token_levels
    paragraphs, grid = (run(*arguments, "--limit", limit).out for limit in ("50", "51"))
    assert paragraphs.count("\nshare of the trace  ") == 50 and grid.count("share") == 1
    assert max(map(len, grid.splitlines())) <= 66
    numbers_shown = [line.split()[4] for line in grid.splitlines() if re.match(r"  \(\d", line)]
    assert [f"{level.eigenvalue:.6g}" for level in levels[:51]] == numbers_shown


@pytest.mark.skipif(not __import__("os").path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_standard_output_is_one_line():
    command = [sys.executable, "-m", "symrep.cli", "character-table", "5"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (
        result.returncode == 2
        and result.stderr.count("\n") == 1
        and "standard output must be writable" in result.stderr
    )


def test_a_closed_standard_output_is_told():
    command = f'"{sys.executable}" -m symrep character 3 3 >&-'
    result = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (2, "symrep: standard output must be open, got none\n")


CURVE = ("curve", "linear-block", "--length", "6", "--token-variance", "1/2", "--position-variance", "1")


def test_curve(tmp_path):
    status, out, _ = run(*CURVE, "--target", "sigma_1 - S/L", "--samples", "8,32", "--format", "json", "--normalized")
    table = json.loads(out)
    assert status == 0 and [row["n_samples"] for row in table["rows"]] == [8, 32]
    assert 0 < table["rows"][0]["learnability"] < table["rows"][1]["learnability"] < 1
    status, out, _ = run(*CURVE, "--target", "S", "--samples", "8", "--simulate", "3", "--format", "markdown")
    assert status == 0 and "| simulated |" in out and "means over 3 training sets" in out
    status, out, _ = run(*CURVE, "--target", "S", "--samples", "8", "--simulate", "3", "--format", "csv")
    assert status == 0 and "simulated_learnability" in out.splitlines()[0]
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curve.png"
    assert run(*CURVE, "--target", "S", "--plot", str(picture))[0] == 0 and picture.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--target", "banana"),
            "target must use the symbols e_i_v, n_v, sigma_i (positions i = 1, 2, ..., or L for the last), S and L, got banana",
        ),
        (("--target", "S", "--samples", "many"), "--samples must be an integer or a list of integers, got 'many'"),
        (("--target", "S", "--samples", "0"), "--samples must be positive"),
        (("--target", "S", "--ridge", "-1"), "ridge must not be negative"),
        (("--target", "S", "--noise", "x"), "noise"),
        (
            ("--target", "S", "--theory", "magic"),
            "theory must be one of self-consistent, next-order, equivalent-kernel",
        ),
        (("--target", "S", "--simulate", "1"), "--simulate must be at least 2, got 1"),
        ((), "Missing option '--target'"),
    ],
)
def test_bad_curves(arguments, message):
    status, out, err = run(*CURVE, *arguments)
    assert status == 2 and out == "" and err.count("\n") == 1 and message in err


def test_a_curve_needs_numbers():
    status, _, err = run("curve", "linear-block", "--target", "S")
    assert (
        status == 2
        and "--length, --token-variance and --position-variance must be given as numbers: a learning curve" in err
    )


def numbers(length):
    return ("--length", str(length), "--token-variance", "1", "--position-variance", "1")


@pytest.mark.parametrize("arguments", [("-q", "tables"), ("tables", "--quiet")])
def test_quiet_leaves_messages_out(arguments, tmp_path, monkeypatch):
    from symrep import tables

    monkeypatch.setattr(tables, "table_files", lambda progress=False: {"a.md": "table\n"})
    directory = ("--directory", str(tmp_path))
    assert run(*arguments, *directory) == (0, "", "")
    assert run("tables", *directory) == (0, f"1 files written to {tmp_path}\n", "")
    assert (tmp_path / "a.md").read_text() == "table\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_a_terminal(*arguments):
    err = Terminal()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        cli.main(list(arguments))
    return err.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ("spectrum", "relu-block", *numbers(4)),
        ("spectrum", "linear-block", "--vocab", "V"),
        ("curve", "linear-block", *numbers(4), "--target", "S", "--simulate", "3", "--samples", "4"),
        ("curve", "linear-block", *numbers(4), "--target", "sigma_1 - 7*S"),
        ("text", "--vocab", "5", "--length", "3", "--permutations", "0", "--no-controls"),
    ],
)
def test_progress_is_shown_on_terminals_unless_it_is_to_be_quiet(arguments):
    def anew(how, *options):
        decomposition._kept_decomposition.cache_clear()
        return how(*arguments, *options)

    assert "%|" in anew(on_a_terminal) or "| 0" in anew(on_a_terminal)
    assert anew(on_a_terminal, "--quiet") == "" == anew(run).err


def test_errors_are_red_on_terminals_alone(monkeypatch):
    assert on_a_terminal("spectrum", "foo").startswith("\x1b[31m\x1b[1msymrep:\x1b[0m architecture must be")
    assert run("spectrum", "foo").err.startswith("symrep: architecture must be")
    monkeypatch.setenv("NO_COLOR", "1")
    assert on_a_terminal("spectrum", "foo").startswith("symrep: architecture must be")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_scripts_ask_the_command(shell):
    status, out, err = run("completion", shell)
    assert status == 0 and "_SYMREP_COMPLETE" in out and err == ""
    assert run("completion", "tcsh").status == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("symrep spec", ["spectrum"]),
        ("symrep spectrum r", ["relu-block"]),
        ("symrep bounds linear-block --readout ", ["flatten", "last", "pool", "query"]),
        ("symrep character-table 4 --format l", ["latex"]),
        ("symrep text some", ["some"]),
        ("symrep bounds linear-block --out some", ["some"]),
        ("symrep spectrum relu-block --plot some", ["some"]),
        ("symrep tables --directory some", ["some"]),
        ("symrep text --tokenizer some", ["some"]),
    ],
)
def test_completions(words, offered):
    from click.shell_completion import ShellComplete

    *arguments, incomplete = words.split(" ")[1:]
    found = ShellComplete(cli.cli, {}, "symrep", "_SYMREP_COMPLETE").get_completions(arguments, incomplete)
    assert sorted(item.value for item in found) == offered
    # names of files are left to the shell
    assert {item.type for item in found} == {"file" if offered == ["some"] else "plain"}


def test_the_package_is_a_command():
    command = [sys.executable, "-m", "symrep", "character", "2,1", "3"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "-1\n"


def test_every_command_has_an_example():
    for command in cli.cli.commands.values():
        assert "Example: symrep" in command.help and "{" not in command.help
        assert len(command.get_short_help_str()) < 70 and not command.get_short_help_str().endswith("...")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("spectrum", "relu-block", "--order", "2"),
            "--order must be left out for relu-block, which has no closed form",
        ),
        (("spectrum", "erf-block", "--symbolic"), "--symbolic must be left out for erf-block"),
        (
            ("spectrum", "linear-block", "--shape-depth", "2"),
            "--shape-depth must be left out for linear-block, whose shapes are few, got 2",
        ),
        (("spectrum", "relu-block", *numbers(5), "--shape-depth", "-1"), "--shape-depth must be at least 0, got -1"),
        (("spectrum", "relu-block", "--length", "20", "--vocab", "V"), "--vocab, --token-variance and --position-var"),
        (("spectrum", "relu-block", *numbers(5), "--readout", "query"), "--query-token-variance and --query-position"),
        (("bounds", "relu-block"), "--length, --token-variance and --position-variance must be given as numbers: relu"),
        (("curve", "foo", "--target", "S"), "architecture must be one of linear-block, uniform-block, relu-block"),
        (("tables", "--directory", "/proc/nothing"), "--directory must be writable, got '/proc/nothing'"),
        (("verify", "--directory", "nothing"), "--directory must hold the tables that write_tables makes"),
    ],
)
def test_refusals_name_the_options(arguments, message):
    status, out, err = run(*arguments)
    assert status == 2 and out == "" and err.startswith(f"symrep: {message}") and err.count("\n") == 1


def test_shapes_to_a_depth():
    status, out, _ = run("spectrum", "relu-block", "--vocab", "3", *numbers(6), "--shape-depth", "2", "--format", "csv")
    shapes = {row["shape"] for row in csv.DictReader(io.StringIO(out))}
    assert status == 0 and shapes == {"(6)", "(5,1)", "(4,2)", "(4,1,1)"}
    last = run("spectrum", "relu-block", *numbers(4), "--readout", "last", "--shape-depth", "9", "--format", "csv")
    assert {row["shape"] for row in csv.DictReader(io.StringIO(last.out))} == {"(3)", "(2,1)"}
    alone = run("spectrum", "relu-block", *numbers(1), "--readout", "last", "--shape-depth", "2")
    assert alone.status == 0 and alone.out == run("spectrum", "relu-block", *numbers(1), "--readout", "last").out


def test_curves_say_why_a_learnability_is_not_reached():
    arguments = ("curve", "linear-block", *numbers(8), "--target", "sigma_1*sigma_2", "--samples", "16")
    assert (
        "Learnability 1/2 is reached at no number of samples: 71.4 % of the target lies in the null"
        in run(*arguments).out
    )
    reached = run(*arguments, "--learnability", "1/4").out
    assert "Learnability 1/4 is reached at " in reached and "no number" not in reached
    assert run(*arguments, "--learnability", "2").err.startswith(
        "symrep: --learnability must be strictly between 0 and 1"
    )


def test_levels_are_labelled_unless_asked_not_to():
    arguments = ("spectrum", "relu-block", "--vocab", "3", *numbers(6), "--format", "csv")
    labelled, plain = (
        list(csv.DictReader(io.StringIO(run(*arguments, *more).out))) for more in ((), ("--no-token-labels",))
    )
    assert [row["token_shape"] for row in labelled][:2] == ["(3)", "(2,1)"] and "token_shape" not in plain[0]
    assert [row["degeneracy"] for row in labelled][:2] == ["1", "2"] and [row["degeneracy"] for row in plain][:3] == [
        "1"
    ] * 3
    assert "all but 6.0e-05" in run("spectrum", "relu-block", *numbers(12), "--shape-depth", "3").out


def test_bounds_at_numbers_are_decimal():
    text = run("bounds", "uniform-block", *numbers(4), "--samples").out
    assert re.search(r"\b8\*delta", text) and not re.search(r"\.0?\*delta", text)
    out = run("bounds", "linear-block", *numbers(100), "--ridge", "1/10").out
    assert "sqrt" not in out and "2652.26" in out and "53.1258" in out
    exact = json.loads(run("bounds", "linear-block", *numbers(100), "--samples", "--format", "json").out)[0]
    assert any("sqrt" in str(row["equivalent_kernel"]) for row in exact["rows"])


def test_bounds_of_a_block_without_closed_forms():
    found = run("bounds", "relu-block", *numbers(12), "--shape-depth", "1", "--ridge", "1/10", "--format", "json")
    bounds, samples = json.loads(found.out)
    assert {row["shape"] for row in bounds["rows"]} == {"(12)", "(11,1)"}
    for row, needed in zip(bounds["rows"], samples["rows"], strict=True):
        assert row["eigenvalue"] <= row["trace_bound"] <= row["dimension_bound"]
        assert (
            needed["dimension_bound"]
            <= needed["trace_bound"]
            <= needed["equivalent_kernel"]
            <= needed["self_consistent"]
        )
    text = run("bounds", "relu-block", *numbers(12), "--shape-depth", "1").out
    assert "*delta + " in text and max(len(number) for number in re.findall(r"\d+\.\d+", text)) < 12


def test_the_largest_levels_of_long_spectra():
    arguments = ("spectrum", "relu-block", "--vocab", "3", *numbers(8))
    text, everything = run(*arguments).out, list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").out)))
    assert f"Not shown: {len(everything) - 40} smaller levels." in text and len(everything) > 60
    few = list(csv.DictReader(io.StringIO(run(*arguments, "--limit", "5", "--format", "csv").out)))
    assert few == everything[:5]
    labelled = list(
        csv.DictReader(io.StringIO(run(*arguments, "--token-labels", "--limit", "3", "--format", "csv").out))
    )
    net = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    expected = block_spectrum(net, measures.iid_uniform(3), 8).token_levels[:3]
    assert [(row["shape"], row["token_shape"]) for row in labelled] == [
        (str(v.shape), str(v.token_shape)) for v in expected
    ]
    assert {row["token_shape"] for row in labelled} == {"(3)", "(2,1)"}
    for option in ("--limit", "5"), ("--token-labels",):
        refused = run("spectrum", "linear-block", *option)
        assert refused.status == 2 and refused.err.startswith(
            f"symrep: {option[0]} must be left out for linear-block, whose"
        )
    for command in (arguments, ("bounds", *arguments[1:])):
        assert run(*command, "--limit", "0").err == "symrep: --limit must be at least 1, got 0\n"


def test_the_bounds_of_the_largest_levels():
    arguments = ("bounds", "relu-block", "--vocab", "3", *numbers(7), "--ridge", "1/10")
    whole = json.loads(run(*arguments, "--format", "json").out)
    few = json.loads(run(*arguments, "--limit", "3", "--format", "json").out)
    for all_of_it, some in zip(whole, few):
        assert some["rows"] == all_of_it["rows"][:3] and len(all_of_it["rows"]) > 40
        assert some["notes"][0] == f"Not shown: {len(all_of_it['rows']) - 3} smaller levels."
    eigenvalues = [row["eigenvalue"] for row in whole[0]["rows"]]
    assert eigenvalues == sorted(eigenvalues, reverse=True)
    text = run(*arguments).out
    assert text.count(f"Not shown: {len(eigenvalues) - 40} smaller levels.") == 2
    one_less = ("--samples", "--limit", str(len(eigenvalues) - 1))
    assert run(*arguments, *one_less).out.count("\nNot shown: 1 smaller level.\n") == 1
    refused = run("bounds", "linear-block", "--limit", "5")
    assert refused.status == 2 and refused.err.startswith("symrep: --limit must be left out for linear-block, whose")


def test_the_tangent_kernel():
    told = json.loads(run("spectrum", "linear-block", "--kernel", "ntk", "--format", "json").out)
    plain = json.loads(run("spectrum", "linear-block", "--format", "json").out)
    assert (told["kernel"], plain["kernel"]) == ("ntk", "nngp")
    for tangent, own in zip(told["levels"], plain["levels"], strict=True):
        if "sqrt" not in own["eigenvalue"]:
            assert sympy.simplify(f"({tangent['eigenvalue']}) - 7*({own['eigenvalue']})") == 0
    numbers = ("--length", "6", "--token-variance", "1", "--position-variance", "1/2")
    text = run("spectrum", "softmax-block", "--kernel", "ntk", *numbers, "--format", "csv").out
    net = kernels.architecture("softmax-block", token_variance=1, position_variance="1/2")
    expected = block_spectrum(net.joint_count_kernel("ntk"), measures.iid_uniform(2), 6).levels
    found = [float(row["eigenvalue"]) for row in csv.DictReader(io.StringIO(text))]
    assert found == pytest.approx([level.eigenvalue for level in expected], rel=1e-12)
    needed = [
        run("curve", "linear-block", *numbers, "--target", "S", "--ridge", ridge, "--kernel", kernel).out.split(
            "is reached at"
        )[1]
        for kernel, ridge in (("nngp", "0.1"), ("ntk", "0.7"))
    ]
    assert needed[0] == needed[1]
    assert (
        run("bounds", "linear-block", "--kernel", "ntk", "--samples").out
        != run("bounds", "linear-block", "--samples").out
    )


def test_latex_with_a_label_and_a_caption_of_the_users_own():
    written = run(
        "spectrum", "linear-block", "--format", "latex", "--label", "tab:mine", "--caption", "50 % of $a_1$ & b"
    ).out
    assert r"\label{tab:mine}" in written and r"\caption{50 \% of $a_1$ \& b}" in written and "serial" not in written
    plain = run("spectrum", "linear-block", "--format", "latex").out
    assert [line for line in plain.splitlines() if r"\label" not in line and r"\caption{" not in line] == [
        line for line in written.splitlines() if r"\label" not in line and r"\caption{" not in line
    ]
    refused = run("character-table", "3", "--label", "mine")
    assert refused == (2, "", "symrep: --label must be left out unless --format is latex, got 'text'\n")
    # two tables cannot share them
    two = run("bounds", "linear-block", "--format", "latex", "--label", "mine").out
    assert re.findall(r"\\label{(.*)}", two) == ["tab:mine-bounds", "tab:mine-samples"]
    one = run("bounds", "linear-block", "--format", "latex", "--samples", "--label", "mine", "--caption", "Mine.").out
    assert r"\label{tab:mine}" in one and r"\caption{Mine.}" in one
    alone = run(
        "bounds", "linear-block", "--format", "latex", "--no-samples", "--label", "mine", "--caption", "Mine."
    ).out
    assert (
        alone.count(r"\begin{table}") == 1
        and r"\label{tab:mine}" in alone
        and "exponents" in alone
        and "exponents" not in one
    )
    refused = run("bounds", "linear-block", "--format", "latex", "--caption", "Mine.")
    assert refused == (2, "", "symrep: --caption must be left out for 2 tables, got 'Mine.'\n")
    assert run("spectrum", "linear-block", "--format", "latex", "--label", "").err.startswith(
        "symrep: --label must be made of"
    )


def test_json_follows_the_options_of_the_table():
    arguments = ("spectrum", "relu-block", "--vocab", "3", *numbers(6), "--format", "json")
    whole, few, plain = (
        json.loads(run(*arguments, *options).out) for options in ((), ("--limit", "3"), ("--no-token-labels",))
    )
    assert few["levels"] == whole["levels"][:3] and few["zero_degeneracy"] == whole["zero_degeneracy"]
    rows = list(csv.DictReader(io.StringIO(run(*arguments[:-1], "csv").out)))
    assert [
        (str(Partition(v["shape"])), str(Partition(v["token_shape"])), v["eigenvalue"]) for v in whole["levels"]
    ] == [(row["shape"], row["token_shape"], row["eigenvalue"]) for row in rows]
    assert "token_shape" not in plain["levels"][0] and len(plain["levels"]) > len(whole["levels"])
    for content in (whole, plain):
        assert sum(level["degeneracy"] for level in content["levels"]) + content["zero_degeneracy"] == 3**6
    some = json.loads(run(*arguments, "--shape-depth", "1").out)
    assert some["shapes"] == [[6], [5, 1]] and "shapes" not in whole
    counted = sum(level["degeneracy"] for level in some["levels"]) + some["zero_degeneracy"]
    assert counted + some["degeneracy_of_other_shapes"] == 3**6 and some["degeneracy_of_other_shapes"] > 0
    expanded = json.loads(run("spectrum", "linear-block", "--order", "2", "--format", "json").out)["levels"]
    assert (
        expanded[-1]["expansion"] == "a**2*p/2 + a*p**2/L"
        and "expansion" not in json.loads(run("spectrum", "linear-block", "--format", "json").out)["levels"][0]
    )


def test_bounds_of_some_shapes_say_what_they_lack():
    arguments = ("bounds", "relu-block", *numbers(8), "--ridge", "1/10", "--samples")
    assert "is in eigenvalues that the spectrum lacks: it counts as ridge" in run(*arguments, "--shape-depth", "0").out
    labels = [row["token_shape"] for row in json.loads(run(*arguments, "--format", "json").out)[0]["rows"]]
    assert set(labels) == {"(2)", "(1,1)"}


def test_the_suffix_of_a_file_is_its_format(tmp_path):
    for suffix, option in (
        (".tex", "latex"),
        (".md", "markdown"),
        (".csv", "csv"),
        (".json", "json"),
        (".txt", "text"),
    ):
        file = tmp_path / f"s3{suffix}"
        assert run("character-table", "3", "--out", str(file)) == (0, "", "")
        assert file.read_text() == run("character-table", "3", "--format", option).out
    assert run("character-table", "3", "--format", "csv", "--out", str(tmp_path / "s3.tex")).status == 0
    assert (tmp_path / "s3.tex").read_text() == (tmp_path / "s3.csv").read_text()
    assert run("character", "2,1", "3", "--out", str(tmp_path / "value.csv")).status == 0
    assert (tmp_path / "value.csv").read_text() == "-1\n"


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (("curve", "linear-block", *numbers(4), "--target", "S", "--simulate", "1"), "--simulate must be at least 2"),
        (("curve", "linear-block", *numbers(4), "--target", "S", "--samples", "0"), "--samples must be"),
        (("curve", "linear-block", *numbers(4), "--target", "T"), "--target must"),
        (("text", "--permutations", "5"), "--permutations must be 0 or at least"),
        (("spectrum", "linear-block", "--vocab", "0"), "--vocab must be at least 1, got 0"),
        (("spectrum", "linear-block", "--readout", "first"), "--readout must be one of"),
        (("spectrum", "linear-block", "--token-variance", "m"), "--token-variance must"),
    ],
)
def test_refusals_name_the_option(arguments, beginning):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and err.startswith(f"symrep: {beginning}") and err.count("\n") == 1


def test_the_samples_below_a_curve_are_those_of_its_theory():
    arguments = ("curve", "linear-block", *numbers(8), "--target", "sigma_1 - S/L", "--normalized")
    told = {
        theory: run(*arguments, "--theory", theory).out
        for theory in ("self-consistent", "equivalent-kernel", "next-order")
    }
    spec = learning.normalized_spectrum(
        spectrum(
            kernels.architecture("linear-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 8
        )
    )
    for theory in ("self-consistent", "equivalent-kernel"):
        needed = learning.samples_to_learn(spec, "sigma_1 - S/L", 0.05, theory=theory)
        assert f"Learnability 1/2 is reached at {needed:.4g} samples ({theory} theory)." in told[theory]
    assert "(self-consistent theory)" in told["next-order"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("spectrum", "linear-block"), ("bounds", "linear-block"), ("character-table", "10"),
                                       ("text", "--vocab", "20", "--permutations", "0", "--no-controls")])  # fmt: skip
def test_latex_is_scaled_to_the_line(arguments):
    plain, fitted = (run(*arguments, "--format", "latex", *fit).out for fit in ((), ("--fit",)))
    assert r"\resizebox" in fitted and r"\resizebox" not in plain and r"\begin{longtable}" not in fitted
    wide = run(*arguments, "--format", "latex", "--wide").out
    assert r"\begin{table*}" in wide and r"\resizebox" in wide and wide.replace("table*", "table") == fitted
    for option in ("--fit", "--wide"):
        refused = run(*arguments, option, "--format", "csv")
        assert refused == (2, "", f"symrep: {option} must be left out unless --format is latex, got 'csv'\n")


def test_captions_tell_the_model_in_words():
    query = ("--readout", "query", "--vocab", "V", "--kernel", "ntk", "--token-variance", "1/2")
    title = "linear block, query token, tangent kernel, uniform tokens, any V, length L, token variance 1/2, position variance p, "
    title += "query token variance a_q, query position variance p_q."
    bounds = run("bounds", "linear-block", *query).out
    assert bounds.startswith(f"Symmetry bounds against exact eigenvalues: {title}\n")
    assert f"\nSamples needed per eigenfunction: {title}\n" in bounds
    latex = run("spectrum", "erf-block", "--vocab", "3", *numbers(4), "--format", "latex").out
    assert (
        r"\caption{Spectrum: linear attention and erf, mean pool, uniform tokens, $V = 3$, length $4$, token variance $1$, position "
        r"variance $1$.}"
    ) in latex


def test_pictures_tell_what_is_drawn(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(output, "replace_file", lambda path, content: None)
    monkeypatch.setattr(
        "matplotlib.axes.Axes.set_title", lambda axes, text, **options: drawn.append(" ".join(text.split()))
    )
    curve = (
        "curve",
        "linear-block",
        *numbers(8),
        "--target",
        "S",
        "--noise",
        "0.1",
        "--theory",
        "next-order",
        "--plot",
        str(tmp_path / "a.png"),
    )
    assert run(*curve).status == run(*curve, "--normalized").status == 0
    model = "linear block, mean pool, uniform tokens, V = 2, length 8, token variance 1, position variance 1"
    setting = "ridge 0.05, noise 0.1, next-order theory."
    assert drawn == [f"Learning curve: {model}, {setting}", f"Learning curve: {model}, normalised, {setting}"]


def test_lengths_beyond_memory_are_told_in_terms_of_options():
    refused = run("spectrum", "softmax-block", "--vocab", "3", *numbers(60))
    assert refused.status == 2 and refused.err.endswith(" GB: a shorter --length or a smaller --vocab needs less\n")
    assert "memory_limit" not in refused.err
