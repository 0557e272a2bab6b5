r"""Kernels of degree one in u and m under uniform tokens, with the vocabulary size V a symbol.

Such a kernel is :math:`c_0 + c_u u + c_m m = c_0 + \Phi(x)^T C \Phi(y)` with the L V features :math:`[x_s = v]` and
:math:`C = (c_u J_L + c_m I_L) \otimes I_V`, J the matrix of ones. Their second moments under uniform tokens are
:math:`G = I_L \otimes I_V / V + (J_L - I_L) \otimes J_V / V^2`. All of these commute, and the nonzero eigenvalues of the
operator are those of C G (plus the constant's): so :math:`J_L \in \{L, 0\}` and :math:`J_V \in \{V, 0\}` give the spectrum.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import sympy

from symrep.errors import InvalidArgumentError
from symrep.representations.stable import PaddedShape
from symrep.spectra.isotypic_block import Block
from symrep.spectra.symbolic import KernelPolynomial


def affine_blocks(kernel: KernelPolynomial, vocab_size: Any, length: Any) -> list[Block]:
    """The blocks (all of size one) of a kernel of degree at most one in u and m together, without g.

    Raises
    ------
    InvalidArgumentError
        When the kernel has a higher degree or contains g.

    Examples
    --------
    >>> from symrep.kernels import architecture
    >>> K = KernelPolynomial.from_expression(architecture("uniform-block").overlap_polynomial())
    >>> V, L = sympy.symbols("V L", integer=True, positive=True)
    >>> for block in affine_blocks(K, V, L):
    ...     print(block.shape, block.token_shape, block.matrix[0])
    (L) (V) (L*a + V*p)/(L*V)
    (L) (V-1,1) a/(L*V)
    """
    coefficients = dict(kernel.terms)
    constant, slope_u, slope_m = (coefficients.pop(key, sympy.Integer(0)) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0)))
    if coefficients:
        highest = max(i + j for (i, j, _) in coefficients)
        what = f"of degree {highest} in u and m" if highest > 1 else "that depends on the last token"
        reason = "a symbol needs degree 1 and no last token"
        raise InvalidArgumentError(f"vocab_size must be a number for a kernel {what} ({reason}), got {vocab_size}")
    vocab_size, length = sympy.sympify(vocab_size), sympy.sympify(length)
    blocks = []
    for ones_in_positions, ones_in_tokens in product((length, sympy.Integer(0)), (vocab_size, sympy.Integer(0))):
        second_moment = 1 / vocab_size + (ones_in_positions - 1) * ones_in_tokens / vocab_size**2
        eigenvalue = (slope_u * ones_in_positions + slope_m) * second_moment
        constant_in_positions, constant_in_tokens = ones_in_positions != 0, ones_in_tokens != 0
        if constant_in_positions and constant_in_tokens:
            eigenvalue += constant
        eigenvalue = sympy.factor(eigenvalue)
        if eigenvalue != 0:
            shape = PaddedShape(() if constant_in_positions else (1,), length)
            token_shape = PaddedShape(() if constant_in_tokens else (1,), vocab_size)
            degeneracy = sympy.factor(shape.dimension * token_shape.dimension)
            blocks.append(Block(shape, token_shape, None, sympy.ImmutableMatrix([[eigenvalue]]), (), degeneracy))
    return blocks
