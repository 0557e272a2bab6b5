"""Corners of the solver that no preset reaches: kernels of higher degree, and of m, beside a last token."""

import numpy as np
import pytest
import sympy

from symrep import measures, spectrum
from symrep.kernels.overlaps import length_symbol as L
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u
from symrep.spectra.affine import affine_blocks
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.solver import _stable_from, _without_last
from symrep.spectra.symbolic import BlockProblem, KernelPolynomial, reached_shapes


def _last_token_traces(kernel, measure, degree):
    """Degeneracy times trace of every block, with one more token that counts in u and m and stays in place."""
    traces = {}
    for shape in reached_shapes(kernel, 2, degree):
        problem = BlockProblem(kernel, measure, shape, "last")
        traces[shape.lower] = problem.matrix(problem.functions.basis()).trace() * shape.dimension
    return traces


def test_a_last_token_makes_closed_forms_hold_one_length_later():
    kernel = KernelPolynomial.from_expression(m**2 + u)
    blocks = spectrum(m**2 + u, measures.iid_uniform(2)).blocks
    without, with_last = (_stable_from(kernel, blocks, token) for token in (None, "last"))
    assert (without, with_last) == (3, 4)
    symbolic = _last_token_traces(kernel, measures.iid(["1/3", "2/3"]), L - 1)
    for length in (with_last, with_last + 1):
        solved = _last_token_traces(kernel, measures.iid(["1/3", "2/3"]), sympy.Integer(length - 1))
        assert all(sympy.expand(symbolic[lower].subs(L, length) - value) == 0 for lower, value in solved.items())


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 3), (2, 5), (3, 3)])
def test_branching_of_a_kernel_that_treats_the_last_token_like_the_others(vocab_size, length):
    V = sympy.Symbol("V", integer=True, positive=True)
    blocks = _without_last(affine_blocks(KernelPolynomial.from_expression(3 + 2 * u + 5 * m), V, L))
    assert sorted(str(block.shape) for block in blocks) == ["(L-1)", "(L-1)", "(L-1)", "(L-2,1)"]

    def kernel(x, y):
        overlaps = (x[:, None, :, None] == y[None, :, None, :]).sum(axis=(2, 3))
        return 3.0 + 2 * overlaps + 5 * (x[:, None, :] == y[None, :, :]).sum(axis=2)

    dense = dense_spectrum(kernel, vocab_size, length - 1, extra_tokens=1)
    numbers = {L: length, V: vocab_size}
    for shape in {level.shape for level in dense.levels}:
        ours = []
        for block in blocks:
            if block.shape.at(length - 1) == shape:
                count = int(sympy.sympify(block.degeneracy).subs(numbers)) // shape.dimension
                ours += [float(block.matrix[0].subs(numbers))] * count
        theirs = sorted(dense.eigenvalues(shape), reverse=True)
        np.testing.assert_allclose(sorted(ours, reverse=True) + [0.0] * (len(theirs) - len(ours)), theirs, atol=1e-10)
