"""The tables: what is in them, that they are written whole, and that two runs give the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy

from symrep import tables
from symrep.display import Column, Table
from symrep.errors import InvalidArgumentError

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def files():
    return tables.table_files()


@pytest.mark.slow
def test_every_table_in_every_format(files):
    labels = [table.label for table in tables.all_tables()]
    assert len(set(labels)) == len(labels) == 3 + 3 * len(tables.MODELS) + 7
    assert set(files) == {f"{label}{suffix}" for label in labels for suffix in (".tex", ".md", ".csv", ".json")} | {
        "all.tex"
    }
    assert all(f"\\input{{{label}.tex}}" in files["all.tex"] for label in labels)


@pytest.mark.slow
def test_tables_are_counted_while_they_are_made(files, capsys):
    assert (
        tables.all_tables(progress=True) == tables.all_tables()
        and f"0/{len(tables.MODELS) + 10} [" in capsys.readouterr().err
    )


@pytest.mark.slow
def test_the_committed_tables_are_current(files):
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tables").iterdir()}
    assert committed == files


@pytest.mark.slow
def test_readme_shows_the_table(files):
    rows = [line for line in files["spectrum-linear-pool-v2.md"].splitlines() if line.startswith("|")]
    assert len(rows) == 6
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in readme


@pytest.mark.slow
def test_readme_shows_the_longest_of_the_finite_lengths(files):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [row for row in json.loads(files["finite-length.json"])["rows"] if row["length"] == 160]
    assert len(rows) == 3
    for row in rows:
        cells = [f"{row[f'eigenvalue_{k}']:.2e} ({row[f'exponent_{k}']:.2f})" for k in range(4)]
        assert f"| 160 | {' | '.join(cells)} |" in readme


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_run(tmp_path):
    outputs = []
    for seed, ground_types in (("1", "auto"), ("2", "python")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "SYMPY_GROUND_TYPES": ground_types}
        command = [sys.executable, "-m", "symrep.cli", "tables", "--directory", str(tmp_path / seed)]
        subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True)
        outputs.append({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()})
    assert outputs[0] == outputs[1]


@pytest.mark.slow
def test_expressions_in_json_are_readable(files):
    for name, content in files.items():
        if name.startswith(("spectrum", "bounds", "samples")) and name.endswith(".json"):
            for row in json.loads(content)["rows"]:
                for key in set(row) & {"eigenvalue", "degeneracy", "leading", "dimension_bound", "self_consistent"}:
                    entries = row[key] if isinstance(row[key], list) else [row[key]]
                    for entry in entries:
                        assert isinstance(sympy.sympify(str(entry).split(" = ")[-1]), sympy.Expr)


def test_characters_table_entries():
    table = tables.character_table_table(4)
    assert [column.key for column in table.columns] == ["shape", "4", "3,1", "2,2", "2,1,1", "1,1,1,1"]
    assert [row[1:] for row in table.rows][1] == (-1, 0, -1, 1, 3)


def test_write_replaces_and_keeps_what_is_not_ours(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "x.csv").write_text("old")
    tables.write_files(tmp_path, {"x.csv": "new\n"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"mine.txt": "mine", "x.csv": "new\n"}


def test_nothing_half_written_when_a_write_fails(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("old")
    real = Path.write_text

    def failing(self, content, **options):
        if self.name == "b.csv":
            raise OSError(28, "No space left on device")
        return real(self, content, **options)

    monkeypatch.setattr(Path, "write_text", failing)
    with pytest.raises(InvalidArgumentError, match="directory must be writable, got .*: No space left"):
        tables.write_files(tmp_path, {"a.csv": "new", "b.csv": "new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.csv": "old"}


def test_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgumentError, match="directory must be writable"):
        tables.write_files(tmp_path / "file" / "below", {"a.csv": ""})


def test_rows_must_fit_the_columns():
    with pytest.raises(InvalidArgumentError, match="rows must have 1 cells each"):
        Table("x", "c", (Column("a", "a"),), ((1, 2),))
