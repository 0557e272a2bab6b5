"""Kernels scaled to E K(x, x) = 1, so that a ridge means the same for every network and length."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidTypeError, require, shown
from symrep.kernels import Dense, Network, serial
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.parameters import exact_expression
from symrep.spectra.block_results import BlockSpectrum, NumericBlock
from symrep.spectra.exact_results import ExactBlockSpectrum
from symrep.spectra.kernel_functions import MatchKernel
from symrep.spectra.solver import spectrum
from symrep.spectra.spectrum import Spectrum


def normalized_spectrum(spec: Spectrum | BlockSpectrum) -> Any:
    """The spectrum of the kernel over its mean diagonal E K(x, x): the eigenvalues sum to 1.

    The kernel of the result is scaled too: a network gets one more Dense layer behind its readout.

    Parameters
    ----------
    spec
        A spectrum, with or without symbols, or a block spectrum.

    Raises
    ------
    InvalidTypeError
        When it is neither.
    InvalidArgumentError
        When E K(x, x) is 0.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform(2), 4).substitute(a=1, p=1)
    >>> s.trace(), normalized_spectrum(s).trace()
    (7/8, 1)
    """
    if not isinstance(spec, Spectrum | BlockSpectrum) or isinstance(spec, ExactBlockSpectrum):
        raise InvalidTypeError(f"spec must be a Spectrum or a BlockSpectrum, got {shown(spec)}")
    require(spec.expected_trace != 0, "spec", "must have a kernel with E K(x, x) > 0", spec)
    kernel = _scaled(spec)
    if isinstance(spec, Spectrum):
        return spectrum(kernel, spec.measure, spec.length)
    blocks = tuple(_scaled_block(block, spec.expected_trace) for block in spec.blocks)
    return replace(spec, blocks=blocks, expected_trace=1.0, kernel=kernel)


def _scaled(spec: Spectrum | BlockSpectrum) -> Any:
    kernel, trace = spec.kernel, spec.expected_trace
    if isinstance(kernel, Network):
        return serial(kernel, Dense(1 / sympy.sqrt(trace)))
    if isinstance(kernel, sympy.Expr):
        return kernel / trace
    if isinstance(kernel, NetworkKernel):
        exact = isinstance(spec, Spectrum)
        scale = exact_expression(kernel.scale, "scale") if exact else kernel.factor(spec.length, spec.vocab_size)
        return replace(kernel, scale=scale / trace)
    if isinstance(kernel, MatchKernel):
        return MatchKernel(partial(_over, kernel.function, trace))
    return partial(_over, kernel, trace)


def _over(function: Any, divisor: float, *arguments: Any, **options: Any) -> np.ndarray:
    return np.asarray(function(*arguments, **options)) / divisor


def _scaled_block(block: NumericBlock, trace: float) -> NumericBlock:
    make_matrix = partial(_scaled_matrix, block, trace)
    return replace(
        block, eigenvalues=block.eigenvalues / trace, rounding=block.rounding / trace, make_matrix=make_matrix
    )


def _scaled_matrix(block: NumericBlock, trace: float) -> np.ndarray:
    return block.matrix / trace
