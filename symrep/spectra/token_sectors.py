"""Operators beside a query token that is independent of the context."""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symrep.measures import UniformTokens
from symrep.representations.stable import PaddedShape
from symrep.spectra.isotypic_block import Shape, at_known_degree, may_exist
from symrep.spectra.kernel_polynomials import KernelPolynomial


def query_sectors(kernel: KernelPolynomial, measure: UniformTokens) -> Iterator[tuple[KernelPolynomial, Shape]]:
    """Kernels of the context alone, each with the irrep of renaming the query token that it belongs to.

    A uniform query token is independent of the context, and g has eigenvalue 1/V on functions of the query. So the
    operator splits into functions constant in the query (g acts as 1/V, 1 as 1) and of zero mean in it (1 as 0).
    """
    vocab_size = sympy.sympify(measure.vocab_size)
    for lower, keeps_constant in (((), True), ((1,), False)):
        label = PaddedShape(lower, vocab_size)
        if may_exist(label):
            yield kernel.for_query(1 / vocab_size, keeps_constant), at_known_degree(label)
