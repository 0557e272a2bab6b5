r"""Attention layers with infinitely many heads.

With positions on the layer, queries and keys see :math:`\tilde K = K + p R`, and values see the same
(``positions_on_values``) or K. A query token attends with its own kernel and is not attended to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
import sympy

from symrep.errors import InvalidArchitectureError, InvalidTypeError, require, shown
from symrep.kernels.cells import CellKernel
from symrep.kernels.features import Features
from symrep.kernels.invariance import PositionUse
from symrep.kernels.layers import OVERLAPS, Layer, Positions
from symrep.kernels.state import KernelState, PositionKernel

_ONE, _ZERO = sympy.Integer(1), sympy.Integer(0)
LOGITS = ("query_std", "key_std")
OUTPUT = ("value_std", "out_std")


@dataclass(frozen=True, repr=False)
class Attention(Layer):
    """Base of the attention layers that look at their logits: standard deviations of the weights, and positions."""

    query_std: sympy.Expr = _ONE
    key_std: sympy.Expr = _ONE
    value_std: sympy.Expr = _ONE
    out_std: sympy.Expr = _ONE
    bias_std: sympy.Expr = _ZERO
    positions: Positions | None = None
    positions_on_values: bool = True
    has_weights: ClassVar[bool] = True

    def features(self, before: Features) -> Features:
        return Features()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.positions, Positions | None):
            raise InvalidTypeError(
                f"{self._argument('positions')} must be Positions or None, got {shown(self.positions)}"
            )

    @property
    def layouts(self) -> tuple[str, ...]:
        return super().layouts if self.positions is None else self.positions.layouts

    def inner_layers(self) -> tuple[Layer, ...]:
        return () if self.positions is None else (self.positions,)

    def position_use(self, use: PositionUse) -> PositionUse:
        seen = use if self.positions is None else self.positions.position_use(use)
        return replace(seen, mixed=seen.identity, matches=seen.identity or seen.matches)

    def _square(self, state: KernelState, names: tuple[str, ...]) -> Any:
        return prod(self._value(state, name) ** 2 for name in names)

    def _query_key(self, kernel: PositionKernel, state: KernelState) -> PositionKernel:
        return kernel if self.positions is None else self.positions.add_to(kernel, state)

    def _values(self, kernel: PositionKernel, state: KernelState) -> PositionKernel:
        return self._query_key(kernel, state) if self.positions_on_values else kernel

    def _tangents(self, state: KernelState) -> tuple[PositionKernel, PositionKernel]:
        """The tangent kernels at queries and keys, and at values."""
        positioned = state.tangent if self.positions is None else self.positions.add_to_tangent(state.tangent, state)
        return positioned, positioned if self.positions_on_values else state.tangent


@dataclass(frozen=True, repr=False)
class LinearAttention(Attention):
    r"""Attention with the identity instead of softmax, independent queries and keys.

    With logits scaled by :math:`1/\sqrt{d}`,

    .. math:: K' = s^2 \langle \tilde K, K_V \rangle_F \tilde K + b^2, \qquad s = \sigma_Q \sigma_K \sigma_V \sigma_O,
    .. math:: \Theta' = s^2 \left[ (4 \langle \tilde K, K_V \rangle + \langle \tilde\Theta, K_V \rangle
              + \langle \tilde K, \Theta_V \rangle) \tilde K + \langle \tilde K, K_V \rangle \tilde\Theta \right] + b^2.

    Parameters
    ----------
    query_std, key_std, value_std, out_std
        Standard deviations of the weights, 1 unless given.
    bias_std
        Standard deviation b of a bias added to the output, 0 unless given.
    positions, positions_on_values
        Position vectors of this layer, and whether the values carry them too.
    normalized
        Whether the attention weights are divided by L.

    Notes
    -----
    ``normalized=True`` divides the attention weights by L, as the weights of softmax are of order 1/L; the first term
    then carries :math:`1/L^2` (Hron et al., ICML 2020, section 3). The NTK is derived from its definition: each of the
    four weights contributes :math:`K' - b^2`, and the features below contribute through queries, keys and values.

    Examples
    --------
    >>> from symrep.kernels import Flatten, Positions, TokenEmbedding, serial
    >>> serial(TokenEmbedding(), LinearAttention(bias_std="b"), Flatten()).overlap_polynomial()
    (L*b**2 + a**3*m*u)/L
    """

    normalized: bool = False

    def position_use(self, use: PositionUse) -> PositionUse:
        return replace(super().position_use(use), mixed=use.mixed)

    def overlap_degree(self, before: int) -> int | None:
        return 3 * before + 1

    def apply(self, state: KernelState) -> KernelState:
        gain = self._square(state, LOGITS + OUTPUT)
        bias = self._value(state, "bias_std") ** 2

        def rule(kernel: PositionKernel) -> PositionKernel:
            query_key, values = self._query_key(kernel, state), self._values(kernel, state)
            return query_key * (gain * self._overlap(query_key, values)) + kernel.constant(bias)

        after = state.map(rule)
        return after if state.tangent is None else replace(after, tangent=self._tangent(state, gain, bias))

    def _overlap(self, query_key: PositionKernel, values: PositionKernel) -> Any:
        overlap = query_key.frobenius(values)
        return overlap / query_key.position_pairs if self.normalized else overlap

    def _tangent(self, state: KernelState, gain: Any, bias: Any) -> PositionKernel:
        query_key, values = self._query_key(state.pair, state), self._values(state.pair, state)
        query_key_tangent, values_tangent = self._tangents(state)
        overlap = self._overlap(query_key, values)
        moved = self._overlap(query_key_tangent, values) + self._overlap(query_key, values_tangent)
        return (
            query_key * (gain * (4 * overlap + moved)) + query_key_tangent * (gain * overlap) + query_key.constant(bias)
        )


@dataclass(frozen=True, repr=False)
class UniformAttention(Layer):
    r"""Attention whose logits vanish (independent queries and keys, :math:`1/d` scaling): every weight is :math:`1/L`.

    .. math:: K' = (\sigma_O \sigma_V)^2 L^{-2} \sum_{st} K_{st} + b^2, \qquad
              \Theta' = (\sigma_O \sigma_V)^2 L^{-2} \sum_{st} (\Theta_{st} + 2 K_{st}) + b^2
    """

    value_std: sympy.Expr = _ONE
    out_std: sympy.Expr = _ONE
    bias_std: sympy.Expr = _ZERO
    has_weights: ClassVar[bool] = True

    def features(self, before: Features) -> Features:
        return Features()

    def position_use(self, use: PositionUse) -> PositionUse:
        return PositionUse(matches=use.matches or use.mixed)

    def overlap_degree(self, before: int) -> int | None:
        return before + 1

    def apply(self, state: KernelState) -> KernelState:
        gain = self._value(state, "value_std") ** 2 * self._value(state, "out_std") ** 2
        bias = self._value(state, "bias_std") ** 2
        after = state.map(lambda kernel: kernel.constant(gain * kernel.mean() + bias))
        mean = 2 * state.pair.mean()
        return after.with_tangent(lambda tangent: tangent.constant(gain * (tangent.mean() + mean) + bias))


@dataclass(frozen=True, repr=False)
class TiedAttention(Attention):
    r"""Attention with queries equal to keys and logits scaled by :math:`1/d`: the attention weights are deterministic.

    With :math:`G_x = \zeta(\sigma_Q \sigma_K \tilde K(x, x))`, row by row,

    .. math:: K'(x, y) = (\sigma_O \sigma_V)^2\, G_x K_V(x, y) G_y^\top + b^2, \qquad
              \Theta' = (\sigma_O \sigma_V)^2\, G_x \Theta_V G_y^\top + b^2 + 2 (K' - b^2).

    Parameters
    ----------
    query_std, key_std, value_std, out_std, bias_std, positions, positions_on_values
        As for :class:`LinearAttention`; queries and keys share their weights up to a scale.
    activation
        :math:`\zeta`: ``"softmax"``, ``"identity"`` or ``"relu"``.

    Notes
    -----
    The kernel depends on the joint counts of tokens and not on u and m alone, so it has no overlap polynomial
    (Hron et al., ICML 2020, section 4).
    """

    activation: str = "softmax"
    needs_variances: ClassVar[bool] = True

    def overlap_degree(self, before: int) -> int | None:
        return None

    def __post_init__(self) -> None:
        super().__post_init__()
        known = ("softmax", "identity", "relu")
        require(
            self.activation in known,
            self._argument("activation"),
            f"must be {', '.join(known[:2])} or relu",
            self.activation,
        )

    @property
    def layouts(self) -> tuple[str, ...]:
        return tuple(kind for kind in super().layouts if kind != OVERLAPS)

    def apply(self, state: KernelState) -> KernelState:
        require_arrays(state, self)
        first, second = self._weights(state.first, state), self._weights(state.second, state)
        gain, bias = self._square(state, OUTPUT), self._value(state, "bias_std") ** 2

        def attended(kernel: CellKernel, left: np.ndarray, right: np.ndarray) -> CellKernel:
            return replace(kernel, values=kernel.cells.attend(kernel.values, left, right)) * gain

        def rule(kernel: CellKernel, left: np.ndarray, right: np.ndarray, own: float) -> CellKernel:
            after = attended(self._values(kernel, state), left, right) + kernel.constant(bias)
            # positions that are not there must not break Cauchy-Schwarz in the layers above
            return replace(after, values=kernel.cells.real_only(after.values, own))

        pair = rule(state.pair, first, second, 0.0)
        tangent = None
        if state.tangent is not None:
            values_tangent = self._tangents(state)[1]
            tangent = attended(values_tangent, first, second) + pair * 2 + pair.constant(-bias)
        own = rule(state.first, first, first, 1.0), rule(state.second, second, second, 1.0)
        return KernelState(pair, *own, tangent, state.draws)

    def _weights(self, kernel: CellKernel, state: KernelState) -> np.ndarray:
        scale = self._value(state, "query_std") * self._value(state, "key_std")
        logits = scale * self._query_key(kernel, state).values
        if self.activation == "softmax":
            return kernel.cells.softmax(logits)
        return kernel.cells.mask_keys(np.maximum(logits, 0.0) if self.activation == "relu" else logits)


def require_arrays(state: KernelState, layer: Layer) -> None:
    """Refuse the overlap ring for a layer that is not polynomial."""
    if state.is_exact:
        raise InvalidArchitectureError(f"layers must be polynomial for an overlap polynomial, got {shown(layer)}")
