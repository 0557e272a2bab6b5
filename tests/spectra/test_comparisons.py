"""Comparisons of spectra, cumulative traces and tables of block spectra."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import Partition, block_spectrum, kernels, measures, spectrum
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u
from symrep.spectra.comparisons import compare_spectra
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.level_lists import LevelList, block_table, cumulative_trace, level_list
from symrep.spectra.sampled import sampled_spectrum
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum

UNIFORM = measures.iid_uniform(3)
NUMBERS = {"token_variance": 1, "position_variance": "1/2", "query_token_variance": 2, "query_position_variance": "1/3"}
FLATTEN = kernels.architecture("linear-block", "flatten", **{k: NUMBERS[k] for k in list(NUMBERS)[:2]})
EXACT, BLOCKS = spectrum(FLATTEN, UNIFORM, 4), block_spectrum(FLATTEN, UNIFORM, 4)
DENSE = dense_spectrum(FLATTEN.nngp, 3, 4)
LABELLED = dense_spectrum(FLATTEN.nngp, 3, 4, token_symmetry=True)
MODES = np.concatenate([np.repeat(level.eigenvalue, level.degeneracy) for level in BLOCKS.levels])
# what stays comparable whatever the class of a spectrum offers
SPECTRA = {
    "exact": EXACT,
    "evaluated": EXACT.evaluate(),
    "blocks": BLOCKS,
    "dense": DENSE,
    "labelled": LABELLED,
    "modes": MODES,
}


@pytest.mark.parametrize("first", SPECTRA)
@pytest.mark.parametrize("second", SPECTRA)
def test_all_kinds_of_spectra_agree(first, second):
    comparison = compare_spectra(SPECTRA[first], SPECTRA[second], rtol=1e-12)
    assert comparison and comparison.deviation < 1e-14
    assert sum(level.degeneracy for level in comparison.levels) == 33
    assert comparison.missing_in_first == comparison.missing_in_second == ()
    both_know_tokens = {first, second} <= {"exact", "evaluated", "labelled"}
    assert all((level.token_shape is not None) == both_know_tokens for level in comparison.levels)
    assert all((level.shape is None) == ("modes" in (first, second)) for level in comparison.levels)


@pytest.mark.parametrize("readout", ["query", "last"])
def test_extra_tokens(readout):
    net = kernels.architecture("linear-block", readout, **NUMBERS)
    exact, blocks = spectrum(net, UNIFORM, 3), block_spectrum(net, UNIFORM, 3)
    moving = 3 if readout == "query" else 2
    dense = dense_spectrum(net.nngp, 3, moving, extra_tokens=1, token_symmetry=True)
    assert compare_spectra(exact, blocks, rtol=1e-12)
    # the token shape of a spectrum with a query is that of the context alone, not that of the dense oracle
    comparison = compare_spectra(exact, dense, rtol=1e-12)
    assert comparison and all((level.token_shape is None) == (readout == "query") for level in comparison.levels)
    itself = compare_spectra(exact, exact.evaluate())
    assert itself and all((level.query_shape is None) == (readout == "last") for level in itself.levels)


def altered(change, number):
    evaluated = EXACT.evaluate()
    levels = list(evaluated.levels)
    levels[number] = change(levels[number])
    return replace(evaluated, levels=tuple(level for level in levels if level is not None))


def test_a_wrong_eigenvalue_is_named():
    wrong = altered(lambda level: replace(level, eigenvalue=level.eigenvalue * 1.01), 2)
    comparison = compare_spectra(EXACT, wrong)
    level = EXACT.evaluate().levels[2]
    assert not comparison and comparison.worst.shape == level.shape == Partition((3, 1))
    assert comparison.deviation == pytest.approx(0.01 * level.eigenvalue / EXACT.evaluate().levels[0].eigenvalue)
    assert comparison.missing_in_first == comparison.missing_in_second == ()
    assert repr(comparison) == (
        "<SpectrumComparison: 1 of 11 levels differ, largest deviation 0.00142 at (3,1), token shape (2,1): "
        "0.974010623 and 0.983750729, 6 modes>"
    )
    assert compare_spectra(EXACT, wrong, rtol=0.0015) and not compare_spectra(EXACT, wrong, rtol=0.0014)


def test_a_missing_level_is_named_and_does_not_shift_the_others():
    missing = altered(lambda level: None, 1)
    comparison = compare_spectra(EXACT, missing)
    (level,) = comparison.missing_in_second
    assert not comparison and comparison.missing_in_first == () and sum(not x.agrees for x in comparison.levels) == 1
    assert (level.shape, level.second, level.degeneracy) == (Partition((4,)), None, 2)
    assert compare_spectra(missing, EXACT).missing_in_first == (replace(level, first=None, second=level.first),)
    assert not compare_spectra(MODES[1:], EXACT) and "none and 6.83893083, 1 mode" in repr(
        compare_spectra(MODES[1:], EXACT)
    )


def test_a_wrong_degeneracy_is_named():
    comparison = compare_spectra(EXACT, altered(lambda level: replace(level, degeneracy=level.degeneracy + 3), 2))
    (level,) = comparison.missing_in_first
    assert not comparison and level.degeneracy == 3 and level.first is None and level.shape == Partition((3, 1))


def test_exchanged_token_shapes_are_seen_where_both_know_them():
    other = {Partition((3,)): Partition((2, 1)), Partition((2, 1)): Partition((3,))}
    wrong = altered(lambda level: replace(level, token_shape=other[level.token_shape]), 2)
    assert not compare_spectra(EXACT, wrong) and compare_spectra(BLOCKS, wrong)


def test_different_spaces_differ():
    comparison = compare_spectra(EXACT, replace(EXACT.evaluate(), total_dimension=80))
    assert not comparison and "dimensions 81 and 80 differ" in repr(comparison)


def test_shapes_that_were_not_asked_for_are_left_out():
    some = block_spectrum(FLATTEN, UNIFORM, 4, shapes=[(4,), (2, 2)])
    comparison = compare_spectra(EXACT, some)
    assert comparison and comparison.not_compared == "not compared: (2,1,1), (3,1)"
    assert {level.shape for level in comparison.levels} == {Partition((4,)), Partition((2, 2))}
    assert "not compared" in repr(comparison) and "not compared" in comparison.table().to_text()


def test_rounding_errors_that_a_block_spectrum_states_are_allowed():
    block = BLOCKS.blocks[0]
    off = replace(block, eigenvalues=block.eigenvalues + 1e-4, rounding=2e-4)
    assert compare_spectra(EXACT, replace(BLOCKS, blocks=(off, *BLOCKS.blocks[1:])))
    surer = replace(off, rounding=5e-5)
    assert not compare_spectra(EXACT, replace(BLOCKS, blocks=(surer, *BLOCKS.blocks[1:])))


def two_levels(first, second, rounding):
    levels = EigenLevel(Partition((2,)), first, 1), EigenLevel(Partition((1, 1)), second, 1)
    return LevelList("two", levels, 4, first + second, {Partition((2,)): rounding})


def test_the_worst_level_is_one_that_disagrees():
    """5 and 5.5 are the same within stated rounding errors; 1 and 1.1 are not."""
    comparison = compare_spectra(two_levels(5.0, 1.0, 0.6), two_levels(5.5, 1.1, 0.0))
    assert [level.agrees for level in comparison.levels] == [True, False]
    assert comparison.worst.shape == Partition((1, 1))


def test_rounding_errors_count_without_labels():
    assert compare_spectra(two_levels(5.0, 1.0, 0.6), [5.5, 1.5])
    assert not compare_spectra(two_levels(5.0, 1.0, 0.4), [5.5, 1.5])


def test_levels_that_are_far_apart_are_not_taken_for_one():
    comparison = compare_spectra([3.0, 1.0], [2.0])
    assert [(level.first, level.second) for level in comparison.levels] == [(3.0, None), (None, 2.0), (1.0, None)]
    # as many on either side: none is missing
    comparison = compare_spectra([3.0, 1.0], [2.0, 1.0])
    assert [(level.first, level.second) for level in comparison.levels] == [(3.0, 2.0), (1.0, 1.0)]


def test_sampled_spectra_are_compared_by_multiplets():
    net = kernels.architecture("linear-block", token_variance=1, position_variance=1)
    exact = spectrum(net, measures.iid_uniform(2), 8)
    sampled = sampled_spectrum(
        net, measures.iid_uniform(2), 8, n_samples=200, n_eigenvalues=12, n_replicates=6, n_test_points=0
    )
    comparison = compare_spectra(exact, sampled)
    assert comparison and [level.degeneracy for level in comparison.levels] == [1, 1, 7, 1]
    assert comparison.not_compared == "not compared: the last 2 sampled eigenvalues"
    turned = compare_spectra(sampled, exact)
    assert turned and turned.levels[1].first == comparison.levels[1].second and turned.first == comparison.second
    assert not compare_spectra(spectrum(net, measures.iid_uniform(2), 9), sampled)
    assert not compare_spectra(exact, sampled, standard_errors=0)
    with pytest.raises(InvalidTypeError, match="second must not be sampled as well"):
        compare_spectra(sampled, sampled)


@given(
    st.lists(
        st.tuples(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 3.0, 4.0]), st.integers(1, 10**30)), min_size=1, max_size=8
    ),
    st.integers(0, 2**20),
)
@settings(max_examples=60, deadline=None)
def test_modes_are_matched_however_they_are_split(levels, seed):
    rng = np.random.default_rng(seed)
    split = []
    for value, count in levels:
        part = int(rng.integers(0, 2)) * (count // 2)
        split += [(value, part), (value * (1 + 1e-12), count - part)]
    first, second = (
        EvaluatedSpectrum("x", tuple(EigenLevel(Partition((2,)), v, n) for v, n in side if n), None)
        for side in (levels, rng.permutation(np.array(split, dtype=object)).tolist())
    )
    comparison = compare_spectra(first, second)
    assert comparison and sum(level.degeneracy for level in comparison.levels) == sum(n for _, n in levels)
    extra = EigenLevel(Partition((2,)), 2.0, 7)
    (missing,) = compare_spectra(first, replace(second, levels=(*second.levels, extra))).missing_in_first
    assert (missing.second, missing.degeneracy) == (2.0, 7)


def test_tables():
    wrong = altered(lambda level: None, 1)
    comparison = compare_spectra(EXACT, wrong)
    table = comparison.table(only_differences=True)
    assert [column.key for column in table.columns][:4] == ["shape", "token_shape", "first", "second"]
    assert len(table.rows) == 1 and table.rows[0][2:5] == (pytest.approx(2.08581758), None, 2)
    assert len(comparison.table().rows) == len(comparison.levels)
    assert "1 of 11 levels differ" in comparison.table().to_text() and "<table>" in comparison._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: compare_spectra(EXACT, 3),
            InvalidTypeError,
            "second must be a spectrum or a sequence of eigenvalues, got 3",
        ),
        (lambda: compare_spectra("ab", EXACT), InvalidTypeError, "first must be a spectrum or a sequence"),
        (
            lambda: compare_spectra(EXACT, {}),
            InvalidTypeError,
            "second must be a spectrum or a sequence of eigenvalues",
        ),
        (lambda: compare_spectra(EXACT, [[1], [2, 3]]), InvalidTypeError, r"got ragged \[\[1\], \[2, 3\]\]"),
        (lambda: compare_spectra(EXACT, [1j]), InvalidTypeError, "second must be a spectrum or a sequence"),
        (lambda: compare_spectra(EXACT, np.eye(2)), InvalidTypeError, "second must be a spectrum or a sequence"),
        (lambda: compare_spectra(EXACT, [1.0, np.nan]), InvalidArgumentError, "second must be finite"),
        (lambda: compare_spectra(EXACT, EXACT, rtol=-1), InvalidArgumentError, "rtol must be at least 0, got -1"),
        (lambda: compare_spectra(EXACT, EXACT, rtol="1"), InvalidTypeError, "rtol must be a number, got '1'"),
        (lambda: compare_spectra(spectrum(m, UNIFORM), EXACT), FreeSymbolError, "evaluate needs numbers for L"),
        (lambda: cumulative_trace(BLOCKS, L=3), InvalidArgumentError, "must have symbols to be given values for L"),
        (
            lambda: cumulative_trace(spectrum(m * 0, UNIFORM, 3)),
            InvalidArgumentError,
            "trace must be finite and nonzero",
        ),
        (lambda: cumulative_trace(BLOCKS).share(-1), InvalidArgumentError, "n_modes must be at least 0"),
        (
            lambda: cumulative_trace(BLOCKS).modes_for(1.5),
            InvalidArgumentError,
            "share must be at most 1, what the levels hold",
        ),
        (lambda: cumulative_trace(BLOCKS).modes_for("1"), InvalidTypeError, "share must be a number"),
        (lambda: block_table(BLOCKS, limit=0), InvalidArgumentError, "limit must be at least 1"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_nothing_against_nothing():
    comparison = compare_spectra([], [0.0])
    assert comparison and comparison.worst is None and comparison.deviation == 0
    assert repr(comparison) == "<SpectrumComparison: 0 levels agree, largest deviation 0>"


@pytest.mark.parametrize("name", SPECTRA)
def test_cumulative_traces(name):
    cumulative = cumulative_trace(SPECTRA[name])
    trace = float(MODES.sum())
    for n_modes in (0, 1, 2, 10, 50, 33, 1000):
        assert cumulative.share(n_modes) == pytest.approx(MODES[:n_modes].sum() / trace, rel=1e-12)
    for share in (0.0, 0.1, 0.5, 0.77, 0.9, 0.999):
        n_modes = cumulative.modes_for(share)
        assert cumulative.share(n_modes) >= share and (n_modes == 0 or cumulative.share(n_modes - 1) < share)
    assert cumulative.n_modes[-1] == 33 and cumulative.shares[-1] == pytest.approx(1, abs=1e-12)
    if name != "modes":
        for shape, alone in cumulative.by_shape.items():
            assert float(alone.shares[-1]) == pytest.approx(float(EXACT.shares()[shape]), rel=1e-12)
        assert sum(alone.n_modes[-1] for alone in cumulative.by_shape.values()) == 33


def test_cumulative_traces_of_more_modes_than_floats_can_count():
    shape = Partition((1,))
    levels = (EigenLevel(shape, 1.0, 1), EigenLevel(shape, 1e-300, 10**300), EigenLevel(shape, 1e-310, 10**310 + 1))
    cumulative = EvaluatedSpectrum("x", levels, 10**400).cumulative_trace()
    assert cumulative.n_modes == (1, 10**300 + 1, 10**310 + 10**300 + 2)
    assert cumulative.shares == pytest.approx([1 / 3, 2 / 3, 1], rel=1e-9)
    assert Fraction(cumulative.modes_for(0.5), 10**300) == pytest.approx(0.5, rel=1e-9)
    symbolic = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    assert symbolic.cumulative_trace(L=200, a=1, p=1).n_modes == (1, 2, 201, 202, 401)


def test_negative_eigenvalues_come_last():
    cumulative = cumulative_trace([3.0, -1.0, 2.0])
    assert cumulative.eigenvalues.tolist() == [3, 2, -1] and cumulative.shares.tolist() == [0.75, 1.25, 1]
    assert (
        cumulative.modes_for(1.25) == 2
        and repr(cumulative) == "<CumulativeTrace of 3 levels of 0 shapes: 1 of the trace>"
    )
    assert not cumulative.shares.flags.writeable


def test_shares_of_a_trace_that_cancels():
    assert cumulative_trace([1e300, -1e300, 1e-300]).shares.tolist() == [np.inf, np.inf, 1.0]


def test_methods_delegate():
    symbolic = spectrum(m * u, measures.iid_uniform(2))
    at_five = block_spectrum(m * u, measures.iid_uniform(2), 5)
    assert symbolic.compare(at_five, L=5) and not symbolic.compare(at_five, L=6)
    assert DENSE.compare(EXACT, rtol=1e-12) and DENSE.cumulative_trace().n_modes[-1] == 33
    assert repr(level_list(symbolic, L=5)) == "<LevelList of m*u: 5 levels>"


def test_table_of_a_block_spectrum():
    table = block_table(BLOCKS)
    assert [column.key for column in table.columns] == ["shape", "degeneracy", "index", "eigenvalue", "share"]
    for shape, degeneracy, index, eigenvalue, share in table.rows:
        block = BLOCKS.block(shape)
        assert block.eigenvalues[index] == eigenvalue and degeneracy == block.degeneracy
        assert share == pytest.approx(eigenvalue * degeneracy / BLOCKS.expected_trace, abs=1e-14)
    assert all(a >= b for a, b in pairwise(row[3] for row in table.rows))
    assert len(table.rows) == len(BLOCKS.levels)
    assert "of total degeneracy 48." in table.to_text()


def test_table_of_some_shapes_says_what_it_leaves_out():
    spectrum_of_two = block_spectrum(FLATTEN, UNIFORM, 4, shapes=[(4,), (3, 1)])
    text = block_table(spectrum_of_two, limit=2).to_text()
    assert "Not shown: 10 smaller levels." in text and "Shapes not asked for have the total degeneracy 21." in text
    labelled = block_table(spectrum_of_two, token_labels=True)
    assert [column.key for column in labelled.columns][:4] == ["shape", "token_shape", "degeneracy", "index"]
    assert sum(row[2] for row in labelled.rows) == sum(row[1] for row in block_table(spectrum_of_two).rows)
    indices = [row[3] for row in labelled.rows if row[:2] == (Partition((4,)), Partition((2, 1)))]
    assert indices == list(range(len(indices))) and len(indices) == 2
