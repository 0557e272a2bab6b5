"""Readouts: from one kernel per pair of positions to one number per pair of sequences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import sympy

from symrep.errors import shown
from symrep.kernels.features import Features
from symrep.kernels.invariance import Invariance, PositionUse
from symrep.kernels.layers import Layer, TokenEmbedding
from symrep.kernels.state import KernelState


@dataclass(frozen=True, repr=False)
class MeanPool(Layer):
    r"""The mean over positions: :math:`L^{-2} \sum_{st} K_{st}`."""

    is_readout: ClassVar[bool] = True

    def overlap_degree(self, before: int) -> int | None:
        return before + 1

    def apply(self, state: KernelState) -> KernelState:
        return state.map(lambda kernel: kernel.read(kernel.mean()), tangent=True)


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    r"""The channels of all positions side by side: :math:`L^{-1} \sum_s K_{ss}`, for weights of their own at every position.

    Readouts bring no weights themselves: a :class:`Dense` layer behind one does, and enters the NTK.
    """

    is_readout: ClassVar[bool] = True

    def features(self, before: Features) -> Features:
        # channels of different positions have different variances and different kernels
        return replace(before, gaussian=False, source=shown(self))

    def overlap_degree(self, before: int) -> int | None:
        return before + 1

    def apply(self, state: KernelState) -> KernelState:
        return state.map(lambda kernel: kernel.read(kernel.diagonal_mean()), tangent=True)


@dataclass(frozen=True, repr=False)
class LastToken(Layer):
    """The output at the last position, :math:`K_{LL}`: symmetric under permutations of the other L - 1 positions."""

    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return state.map(lambda kernel: kernel.read(kernel.last()), tangent=True)


@dataclass(frozen=True, repr=False)
class QueryToken(Layer):
    r"""The output at a query token q that attends to the context and is not attended to.

    It enters with kernel :math:`a_q [q = q'] + p_q` before the first layer; embedding and positions of the
    context leave it alone, and every other layer acts on it. Sequences carry it behind the L context tokens, so arrays
    of sequences have L + 1 columns.
    """

    token_variance: sympy.Expr = sympy.Symbol("a_q", positive=True)
    position_variance: sympy.Expr = sympy.Symbol("p_q", positive=True)
    trainable: bool = True
    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return state.map(lambda kernel: kernel.read(kernel.query), tangent=True)

    def embed(self, state: KernelState) -> KernelState:
        """The state with the query's kernel, before any layer."""
        variances = self._value(state, "token_variance"), self._value(state, "position_variance")
        return state.map(lambda kernel: kernel.add_query(*variances), tangent=self.trainable)


def invariance(layers: tuple[Layer, ...], readout: Layer | None) -> Invariance:
    """The symmetry that these layers guarantee."""
    use = PositionUse()
    for layer in layers:
        if layer is readout:
            break
        use = layer.position_use(use)
    embedding = layers[0]
    tokens = not isinstance(embedding, TokenEmbedding) or embedding.is_token_symmetric
    asymmetry = next(filter(None, (layer.asymmetry() for layer in layers)), "")
    reasons = [asymmetry, "" if tokens else f"{embedding!r} tells tokens apart"]
    reason = "; ".join(filter(None, reasons))
    if asymmetry:
        return Invariance("none", False, tokens, reason)
    # a pooled kernel with d beside e, but not times e, adds a constant; at the last token and the query, d is always 1
    blind = isinstance(readout, LastToken | QueryToken) or (isinstance(readout, MeanPool) and not use.mixed)
    positions = "S_(L-1)" if isinstance(readout, LastToken) else "S_L"
    return Invariance(positions, blind and not use.matches, tokens, reason)
