"""What is known between two layers: the kernels of a pair of sequences and of each with itself, and the tangent kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import sympy

from symrep.errors import InvalidArchitectureError, shown
from symrep.kernels.cells import CellKernel
from symrep.kernels.overlaps import OverlapKernel
from symrep.kernels.parameters import as_float

PositionKernel = OverlapKernel | CellKernel


@dataclass(frozen=True)
class KernelState:
    """The kernel between positions of x and y, those of x and of y with themselves, and the neural tangent kernel.

    ``first`` and ``second`` are None where no layer asks for variances, ``tangent`` where only the NNGP is wanted.
    After a readout all of them are kernels of a single position. ``draws`` counts the random layers so far.
    """

    pair: PositionKernel
    first: PositionKernel | None = None
    second: PositionKernel | None = None
    tangent: PositionKernel | None = None
    draws: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether the kernels are expressions of the overlap ring."""
        return self.pair.is_exact

    def number(self, parameter: sympy.Expr, argument: str) -> sympy.Expr | float:
        """A parameter in the arithmetic of this state: itself if exact, else a float."""
        return parameter if self.is_exact else as_float(parameter, argument, "net")

    def map(self, rule: Callable[[PositionKernel], PositionKernel], *, tangent: bool = False) -> KernelState:
        """The state with a rule applied to every kernel, and to the tangent kernel too if asked."""
        return replace(
            self,
            pair=rule(self.pair),
            first=None if self.first is None else rule(self.first),
            second=None if self.second is None else rule(self.second),
            tangent=rule(self.tangent) if tangent and self.tangent is not None else self.tangent,
        )

    def with_tangent(self, rule: Callable[[PositionKernel], PositionKernel]) -> KernelState:
        """The state with a rule applied to the tangent kernel, where there is one."""
        return self if self.tangent is None else replace(self, tangent=rule(self.tangent))

    def pointwise(
        self, dual: Callable[..., np.ndarray], derivative_dual: Callable[..., np.ndarray] | None, layer: object
    ) -> KernelState:
        """The state behind a map that acts on every position by itself, given by its dual and that of its derivative.

        Both are functions of the variances at the two positions and of their covariance, on arrays.
        """
        if self.is_exact:
            raise InvalidArchitectureError(f"layers must be polynomial for an overlap polynomial, got {shown(layer)}")
        rows = self.first.values[self.pair.cells.row_variance]
        columns = self.second.values[self.pair.cells.column_variance]
        tangent = self.tangent
        if tangent is not None:
            tangent = replace(tangent, values=derivative_dual(rows, columns, self.pair.values) * tangent.values)
        sides = {}
        for name in ("first", "second"):
            side = getattr(self, name)
            variances = side.values[side.cells.row_variance], side.values[side.cells.column_variance]
            sides[name] = replace(side, values=dual(*variances, side.values))
        return KernelState(
            replace(self.pair, values=dual(rows, columns, self.pair.values)), **sides, tangent=tangent, draws=self.draws
        )
