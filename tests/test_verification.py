"""Verification passes on the tables, and fails when any kind of entry is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from symrep import tables, verification, verification_of_lengths
from symrep.errors import InvalidArgumentError, VerificationError


@pytest.fixture(scope="module")
def directory():
    """The tables of the repository, which others test to be those that are made now."""
    return Path(__file__).parent.parent / "tables"


@pytest.mark.slow
def test_all_entries_verify(directory):
    comparisons = list(verification.verify(directory))
    verification.require_verified(comparisons)
    assert max(c.deviation for c in comparisons) < 1e-12
    compared = {c.table for c in comparisons}
    assert {table.label for table in tables.all_tables()} <= compared
    assert sum(c.count for c in comparisons) > 4000


def _rows(directory, label):
    return json.loads((directory / f"{label}.json").read_text())["rows"]


def _all(directory, key="linear-pool-v2"):
    return {kind: _rows(directory, f"{kind}-{key}") for kind in ("spectrum", "bounds", "samples")}


@pytest.fixture(scope="module")
def model():
    return next(model for model in tables.MODELS if model.key == "linear-pool-v2")


@pytest.mark.parametrize(
    ("kind", "column", "quantity"),
    [
        ("spectrum", "eigenvalue", "eigenvalue"),
        ("bounds", "eigenvalue", "eigenvalue (bounds)"),
        ("bounds", "dimension_bound", "dimension_bound"),
        ("bounds", "trace_bound", "trace_bound"),
        ("bounds", "tightness", "tightness"),
        ("samples", "trace_bound", "trace_bound (samples)"),
        ("samples", "dimension_bound", "dimension_bound (samples)"),
        ("samples", "equivalent_kernel", "equivalent_kernel"),
        ("samples", "self_consistent", "self_consistent"),
    ],
)
def test_a_wrong_finite_entry_is_caught(directory, model, kind, column, quantity, monkeypatch):
    monkeypatch.setattr(verification, "_MAX_SEQUENCES", 8)
    rows = _all(directory)
    rows[kind][-1][column] = f"({rows[kind][-1][column]})*(1 + 1/10**6)"
    failed = {c.quantity for c in verification._verify_finite(model, rows) if not c.passed}
    assert quantity in failed


def test_a_wrong_degeneracy_is_caught(directory, model, monkeypatch):
    monkeypatch.setattr(verification, "_MAX_SEQUENCES", 8)
    rows = _all(directory)
    rows["spectrum"][-1]["degeneracy"] = "L - 2"
    assert [c.quantity for c in verification._verify_finite(model, rows) if not c.passed] == ["eigenvalue"]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("spectrum", "leading"),
        ("bounds", "leading"),
        ("bounds", "leading_tightness"),
        ("samples", "leading_equivalent_kernel"),
        ("samples", "leading_self_consistent"),
    ],
)
def test_a_wrong_leading_term_is_caught(directory, model, kind, column):
    rows = _all(directory)
    rows[kind][-1][column] = f"({rows[kind][-1][column]})*2"
    failed = {(c.table, c.quantity) for c in verification._verify_asymptotics(model, rows) if not c.passed}
    assert failed == {(f"{kind}-linear-pool-v2", column)}


@pytest.mark.parametrize(("column", "value"), [("exponents", "1/2/3"), ("limit", "1"), ("trace_limit", "1/2")])
def test_a_wrong_exponent_or_limit_is_caught(directory, model, column, value):
    rows = _all(directory)
    rows["bounds"][-1][column] = value
    assert {c.quantity for c in verification._verify_asymptotics(model, rows) if not c.passed} == {column}


def test_wrong_dimensions_and_characters_are_caught(directory):
    for column, value in (("dimension", "L*(L - 3)"), ("leading", "L**2"), ("depth", 3), ("first_length", 5)):
        rows = _rows(directory, "irreps")
        assert all(c.passed for c in verification._verify_irreps(rows))
        rows[2][column] = value
        assert column in {c.quantity for c in verification._verify_irreps(rows) if not c.passed}
    rows = _rows(directory, "irreps")
    assert {c.quantity for c in verification._verify_irreps(rows[:2] + rows[3:]) if not c.passed} == {"rows"}
    rows = _rows(directory, "characters-s4")
    assert all(c.passed for c in verification._verify_characters(4, rows))
    rows[1]["3,1"] = 1
    assert [c.quantity for c in verification._verify_characters(4, rows) if not c.passed] == ["character"]
    rows = _rows(directory, "characters-s4")
    rows[2]["shape"] = "(3,1)"
    assert [c.quantity for c in verification._verify_characters(4, rows) if not c.passed] == ["labels"]
    with pytest.raises(ValueError, match="zip"):
        list(verification._verify_characters(4, rows[:-1]))


@pytest.mark.parametrize(
    ("key", "factor", "caught"),
    [
        (None, 1, set()),
        ("eigenvalue_0", 1.01, {"eigenvalue"}),
        ("eigenvalue_3", 0.99, {"eigenvalue"}),
        ("exponent_2", 1.01, {"exponent"}),
    ],
)
def test_wrong_finite_lengths_are_caught(directory, key, factor, caught, monkeypatch):
    monkeypatch.setattr(verification_of_lengths, "FINITE_LENGTHS", (20, 40))
    rows = [row for row in _rows(directory, "finite-length") if row["length"] in (20, 40)]
    if key:
        rows[-1][key] *= factor
    assert {c.quantity for c in verification_of_lengths.verify_finite_lengths(rows) if not c.passed} == caught
    assert not all(c.passed for c in verification_of_lengths.verify_finite_lengths(rows[:-1]))


@pytest.mark.parametrize("kind", ["spectrum", "bounds", "samples"])
@pytest.mark.parametrize("change", ["drop", "repeat", "relabel"])
def test_wrong_rows_are_caught(directory, model, kind, change, monkeypatch):
    monkeypatch.setattr(verification, "_MAX_SEQUENCES", 8)
    rows = _all(directory)
    if change == "drop":
        rows[kind] = rows[kind][:-1]
    elif change == "repeat":
        rows[kind] = [*rows[kind], rows[kind][-1]]
    else:
        rows[kind][-1]["token_shape"] = "(2)"
    assert any(not c.passed for c in verification._verify_finite(model, rows))


@pytest.mark.parametrize("entry", ["0/0", "zz*L", "1/0", "__import__('os')", None, [1]])
def test_entries_that_are_no_numbers(directory, model, entry, monkeypatch):
    monkeypatch.setattr(verification, "_MAX_SEQUENCES", 8)
    rows = _all(directory)
    rows["bounds"][-1]["tightness"] = entry
    with pytest.raises(VerificationError, match="cannot be read|deviates"):
        verification.require_verified(
            list(verification._readable("t", lambda: verification._verify_finite(model, rows)))
        )


def test_a_query_model_with_wrong_labels_is_caught(directory, monkeypatch):
    monkeypatch.setattr(verification, "_MAX_SEQUENCES", 30)
    query = next(model for model in tables.MODELS if model.key == "linear-query")
    rows = _all(directory, "linear-query")
    assert all(c.passed for c in verification._verify_finite(query, rows))
    for kind in rows:
        rows[kind][1]["query_shape"], rows[kind][4]["query_shape"] = (
            rows[kind][4]["query_shape"],
            rows[kind][1]["query_shape"],
        )
    assert any(c.quantity == "eigenvalue" and not c.passed for c in verification._verify_finite(query, rows))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["irreps.md", "bounds-linear-query.csv", "characters-s5.tex"])
def test_other_formats_must_be_what_is_written_now(directory, name, tmp_path):

    copy = tmp_path / "tables"
    shutil.copytree(directory, copy)
    assert all(c.passed for c in verification._verify_files(copy))
    (copy / name).write_text("wrong")
    assert [c.table for c in verification._verify_files(copy) if not c.passed] == [name]


def test_the_failure_names_the_entry():
    good = verification.Comparison("t", "q", "r", 1, 1e-12)
    bad = verification.Comparison("spectrum-x", "eigenvalue", "dense operator", 1, 1e-3)
    with pytest.raises(
        VerificationError, match="eigenvalue in table spectrum-x deviates by 1.00e-03 from dense operator"
    ):
        verification.require_verified([good, bad])


def test_missing_tables_are_named(tmp_path):
    with pytest.raises(
        InvalidArgumentError, match="directory must hold the tables that write_tables makes, got .*irreps.json"
    ):
        next(verification.verify(tmp_path))
