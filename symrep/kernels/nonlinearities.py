r"""Nonlinear layers. They act on every position by itself, through the variances of both sequences at that position.

For a function f of centred Gaussian features the kernel behind it is its dual activation
:math:`K' = \mathbb{E} f(U) f(W)`, and the tangent kernel :math:`\Theta' = \mathbb{E} f'(U) f'(W)\, \Theta`, with U and W
of variances :math:`K_{ss}(x, x)`, :math:`K_{tt}(y, y)` and covariance :math:`K_{st}(x, y)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import sympy

from symrep.errors import InvalidArchitectureError, InvalidArgumentError, InvalidTypeError, require, shown
from symrep.kernels import activations
from symrep.kernels.features import Features
from symrep.kernels.invariance import PositionUse
from symrep.kernels.layers import Layer
from symrep.kernels.overlaps import OverlapKernel, first_overlap_symbol, second_overlap_symbol
from symrep.kernels.parameters import as_coefficient, as_float
from symrep.kernels.state import KernelState


@dataclass(frozen=True, repr=False)
class Nonlinearity(Layer):
    """Base of the layers that apply one function to every feature."""

    after_readout: ClassVar[bool] = True
    needs_variances: ClassVar[bool] = True

    @property
    def is_odd(self) -> bool:
        """Whether f(-z) = -f(z), so that the mean stays zero."""
        return False

    def features(self, before: Features) -> Features:
        if not (before.gaussian and before.centred):
            reason = (
                f"needs Gaussian features, which those behind {before.source} are not: put a Dense() layer in between"
            )
            raise InvalidArchitectureError(f"{shown(self)} {reason}")
        return Features(False, self.is_odd, shown(self))

    @property
    def activation(self) -> activations.DualActivation:
        """The function, its derivative and their duals, on arrays."""
        raise InvalidArchitectureError(f"{type(self).__name__} has no activation")

    def position_use(self, use: PositionUse) -> PositionUse:
        return replace(use, mixed=use.identity)

    def overlap_degree(self, before: int) -> int | None:
        return None

    def apply(self, state: KernelState) -> KernelState:
        return state.pointwise(self.activation.dual, self.activation.derivative_dual, self)


@dataclass(frozen=True, repr=False)
class Relu(Nonlinearity):
    r"""The rectifier :math:`f(z) = \max(z, 0)`: the arc-cosine kernel of order 1 (Cho and Saul, 2009).

    :math:`K' = \frac{1}{2\pi} \sqrt{k_x k_y} (\sin\theta + (\pi - \theta) \cos\theta)`, with
    :math:`\cos\theta = k_{xy} / \sqrt{k_x k_y}`.

    >>> from symrep.kernels import MeanPool, TokenEmbedding, serial
    >>> serial(TokenEmbedding(1), Relu(), MeanPool()).nngp([0, 0], [0, 0])
    0.5
    """

    activation: ClassVar[activations.DualActivation] = activations.RELU


@dataclass(frozen=True, repr=False)
class Erf(Nonlinearity):
    r"""The error function: :math:`K' = \frac{2}{\pi} \arcsin \frac{2 k_{xy}}{\sqrt{(1 + 2 k_x)(1 + 2 k_y)}}` (Williams, 1996)."""

    activation: ClassVar[activations.DualActivation] = activations.ERF
    is_odd: ClassVar[bool] = True


@dataclass(frozen=True, repr=False)
class Gelu(Nonlinearity):
    r"""The Gaussian error linear unit :math:`f(z) = z\, \Phi(z)`, with its exact dual (by Stein's lemma)."""

    activation: ClassVar[activations.DualActivation] = activations.GELU


@dataclass(frozen=True, repr=False)
class Polynomial(Nonlinearity):
    r"""The polynomial :math:`f(z) = \sum_k c_k z^k`, exact in the overlap ring too.

    :math:`K' = \sum_j \frac{1}{j!} \mathbb{E} f^{(j)}(U)\, \mathbb{E} f^{(j)}(W)\, k_{xy}^j`.

    Parameters
    ----------
    coefficients
        The :math:`c_k`, from the constant on: numbers or expressions of either sign.

    Examples
    --------
    >>> from symrep.kernels import Flatten, TokenEmbedding, serial
    >>> serial(TokenEmbedding(), Polynomial((0, 0, 1)), Flatten()).overlap_polynomial()
    a**2*(L + 2*m)/L
    """

    coefficients: tuple[sympy.Expr, ...] = (sympy.Integer(0), sympy.Integer(1))

    def __post_init__(self) -> None:
        super().__post_init__()
        argument = self._argument("coefficients")
        if not isinstance(self.coefficients, list | tuple | np.ndarray) or np.ndim(self.coefficients) != 1:
            raise InvalidTypeError(
                f"{argument} must be a sequence of numbers or expressions, got {shown(self.coefficients)}"
            )
        values = tuple(as_coefficient(value, argument) for value in self.coefficients)
        require(len(values) > 0, argument, "must not be empty", self.coefficients)
        object.__setattr__(self, "coefficients", values)

    @property
    def is_odd(self) -> bool:
        return all(value == 0 for value in self.coefficients[::2])

    def features(self, before: Features) -> Features:
        after = super().features(before)
        is_linear = self.is_odd and all(value == 0 for value in self.coefficients[2:])
        return before if is_linear else after

    def overlap_degree(self, before: int) -> int | None:
        return (len(self.coefficients) - 1) * before

    def _numbers(self, state: KernelState) -> list[Any]:
        return [state.number(value, self._argument("coefficients")) for value in self.coefficients]

    @property
    def activation(self) -> activations.DualActivation:
        numbers = [as_float(value, self._argument("coefficients"), "net") for value in self.coefficients]
        return activations.polynomial_activation(numbers)

    def apply(self, state: KernelState) -> KernelState:
        numbers = self._numbers(state)
        if not state.is_exact:
            activation = activations.polynomial_activation(numbers)
            return state.pointwise(activation.dual, activation.derivative_dual, self)
        first, second = state.first, state.second
        derivative = [k * value for k, value in enumerate(numbers)][1:] or [sympy.Integer(0)]
        after = state.with_tangent(lambda t: state.pair.polynomial_dual(derivative, first, second).hadamard(t))
        return replace(
            after,
            pair=state.pair.polynomial_dual(numbers, first, second),
            first=first.polynomial_dual(numbers, first, first),
            second=second.polynomial_dual(numbers, second, second),
        )


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    r"""Normalisation over the channels at every position: :math:`K' = k_{xy} / \sqrt{k_x k_y}`, and the same for :math:`\Theta`.

    In the overlap ring it is possible where the variance is the same for all sequences, as before any attention.

    Raises
    ------
    InvalidArgumentError
        When a variance is zero.
    """

    after_readout: ClassVar[bool] = True
    needs_variances: ClassVar[bool] = True

    def position_use(self, use: PositionUse) -> PositionUse:
        # the variance, and so the factor of d, may depend on the token at the position
        return replace(use, mixed=use.identity)

    def apply(self, state: KernelState) -> KernelState:
        if state.is_exact:
            return self._exact(state)
        return state.pointwise(
            lambda first, second, pair: pair * self._scale(first, second),
            lambda first, second, pair: self._scale(first, second),
            self,
        )

    @staticmethod
    def _scale(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        for variance in (first, second):
            if not np.all(variance > 0):
                raise InvalidArgumentError(f"LayerNorm needs positive variances, got {float(variance.min())}")
        return 1 / (np.sqrt(first) * np.sqrt(second))

    def _exact(self, state: KernelState) -> KernelState:
        sides = state.first, state.second
        variances = [sympy.factor(side.variance()) for side in sides]
        queries = [sympy.factor(side.query) for side in sides]
        context = variances[0]
        if {first_overlap_symbol, second_overlap_symbol} & _symbols_of(*variances, *queries):
            raise InvalidArchitectureError(
                f"layers must be polynomial for an overlap polynomial, got {shown(self)} of variance {context}"
            )
        for variance in (*variances, *queries) if state.first.has_query else variances:
            require(
                variance != 0,
                "layers",
                "must have positive variance before LayerNorm()",
                variance,
                InvalidArchitectureError,
            )

        def rule(kernel: OverlapKernel, rows: int, columns: int) -> OverlapKernel:
            scales = [_mean_scale(own[rows], own[columns]) for own in (variances, queries)]
            scaled = kernel.scale_context(1 / scales[0])
            return replace(scaled, query=kernel.query / scales[1] if scales[1] != 0 else kernel.query)

        return KernelState(
            rule(state.pair, 0, 1),
            rule(state.first, 0, 0),
            rule(state.second, 1, 1),
            None if state.tangent is None else rule(state.tangent, 0, 1),
            state.draws,
        )


def _mean_scale(first: sympy.Expr, second: sympy.Expr) -> sympy.Expr:
    """The root of the product of two variances, which differ between sequences of different lengths."""
    return first if first == second else sympy.sqrt(first * second)


def _symbols_of(*expressions: sympy.Expr) -> set[sympy.Symbol]:
    return set().union(*(expression.free_symbols for expression in expressions))
