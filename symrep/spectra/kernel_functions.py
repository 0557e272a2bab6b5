r"""Kernels that are symmetric under permutations of positions, as functions of what they see of two sequences.

All of them are functions of the joint count table. Most see only the token counts of the two sequences and the number of
matches :math:`m = \#\{s : x_s = y_s\}`: ReLU, erf and GELU layers, layer norm, and linear or uniform attention. Softmax
attention sees the whole table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown
from symrep.kernels import Network
from symrep.kernels.joint_counts import JointCountKernel, MatchCountKernel, NetworkKernel
from symrep.kernels.layers import OVERLAPS

KernelFunction = Callable[..., np.ndarray]


@dataclass(frozen=True)
class MatchKernel:
    r"""A function of the token counts of two sequences and the number of positions where they agree.

    Parameters
    ----------
    function
        Takes integer arrays ``counts_x`` and ``counts_y`` of shape (k, V) and ``matches`` of shape (k,), and gives an array
        (k,) of real numbers, with the same value when the two sequences are exchanged. Only triples that occur are asked for,
        up to some 500,000 at a time, and the arrays must not be changed.

    Raises
    ------
    InvalidTypeError
        When it is not callable.

    Examples
    --------
    >>> from symrep import block_spectrum, measures
    >>> kernel = MatchKernel(lambda counts_x, counts_y, matches: 2.0**matches)
    >>> level = block_spectrum(kernel, measures.iid_uniform(3), 12, shapes=[(11, 1)]).levels[0]
    >>> print(level.shape, f"{level.eigenvalue:.10f}", f"{(4 / 3) ** 11 / 3:.10f}", level.degeneracy)
    (11,1) 7.8923229484 7.8923229484 11
    """

    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidTypeError(f"function must be a function of counts and matches, got {shown(self.function)}")
        try:
            signature(self.function).bind(None, None, None)
        except TypeError:
            rule = "must take three arrays: counts_x (k, V), counts_y (k, V) and matches (k,)"
            raise InvalidTypeError(f"function {rule}, got {shown(self.function)}") from None
        except ValueError:  # one in C that does not tell
            pass

    def __call__(self, counts_x: np.ndarray, counts_y: np.ndarray, matches: np.ndarray) -> np.ndarray:
        """The values of the function."""
        return self.function(counts_x, counts_y, matches)

    def __repr__(self) -> str:
        return f"MatchKernel({getattr(self.function, '__name__', repr(self.function))})"


@dataclass(frozen=True, eq=False)
class SymmetricKernel:
    """A kernel as a function of joint count tables and, where these are enough, of counts and matches."""

    of_tables: KernelFunction
    of_matches: KernelFunction | None
    extra_token: str | None
    name: str


def as_symmetric_kernel(kernel: Any) -> SymmetricKernel:
    """What block spectra know of a kernel."""
    kernel = kernel_of_method(kernel)
    if isinstance(kernel, Network):
        return replace(as_symmetric_kernel(kernel.joint_count_kernel()), name=repr(kernel))
    if isinstance(kernel, NetworkKernel):
        net, tangent = kernel.net, kernel.tangent
        of_matches = MatchCountKernel(net, tangent, kernel.scale) if OVERLAPS in net.layouts else None
        return SymmetricKernel(JointCountKernel(net, tangent, kernel.scale), of_matches, net.extra_token, repr(kernel))
    if isinstance(kernel, sympy.Poly):
        kernel = kernel.as_expr()
    if isinstance(kernel, sympy.Expr):
        of_matches = _polynomial_function(kernel)
        return SymmetricKernel(_on_tables(of_matches), of_matches, None, str(kernel))
    if isinstance(kernel, MatchKernel):
        return SymmetricKernel(_on_tables(kernel), kernel, None, repr(kernel))
    if callable(kernel):
        _require_function_of_tables(kernel)
        return SymmetricKernel(kernel, None, None, getattr(kernel, "__name__", repr(kernel)))
    raise InvalidTypeError(
        "kernel must be a network, a polynomial in u and m, a MatchKernel or a function of joint counts, "
        f"got {shown(kernel)}"
    )


def _require_function_of_tables(function: Callable[..., Any]) -> None:
    """Refuse functions of two arrays of sequences, which would be called with joint count tables."""
    try:
        parameters = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # one in C that does not tell
        return
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    if len(needed) > 1:
        rule = "must be a function of one array, the joint count tables (k, V, V)"
        other = "functions of two arrays of sequences are for check_kernel, dense_spectrum and sampled_spectrum"
        raise InvalidTypeError(f"kernel {rule}, got one of {len(needed)}; {other}")


def kernel_of_method(kernel: Any) -> Any:
    """The network for its method ``nngp``, its tangent kernel for ``ntk``, anything else as it is."""
    net, name = getattr(kernel, "__self__", None), getattr(kernel, "__name__", "")
    if not isinstance(net, Network) or name not in ("nngp", "ntk"):
        return kernel
    return net if name == "nngp" else net.joint_count_kernel("ntk")


def require_room_for_query(kernel: Any, extra_tokens: int) -> None:
    """Refuse a kernel with a query where no column is left for it behind the L tokens."""
    if extra_token_of(kernel) == "query":
        require(extra_tokens >= 1, "extra_tokens", "must be 1 for a kernel with a query", extra_tokens)


def extra_token_of(kernel: Any) -> str | None:
    """The token that the permutations of a kernel leave in place: ``"last"``, ``"query"`` or None."""
    return kernel.extra_token if isinstance(kernel, Network | NetworkKernel) else None


def _on_tables(function: KernelFunction) -> KernelFunction:
    return lambda tables: function(tables.sum(axis=2), tables.sum(axis=1), np.trace(tables, axis1=1, axis2=2))


def _polynomial_function(polynomial: sympy.Expr) -> KernelFunction:
    by_name = {symbol.name: symbol for symbol in polynomial.free_symbols}
    unknown = sorted(by_name.keys() - {"u", "m", "L"})
    require(not unknown, "kernel", "must have no symbols but u, m and L", unknown)
    counts = [by_name[name] for name in ("u", "m") if name in by_name]
    require(bool(polynomial.is_polynomial(*counts)), "kernel", "must be a polynomial in u and m", polynomial)
    require(not polynomial.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo), "kernel", "must be finite", polynomial)
    symbols = [by_name.get(name, sympy.Symbol(name)) for name in ("u", "m", "L")]
    evaluate = sympy.lambdify(symbols, polynomial, "numpy")

    def function(counts_x: np.ndarray, counts_y: np.ndarray, matches: np.ndarray) -> np.ndarray:
        overlap = (counts_x * counts_y).sum(axis=1).astype(np.float64)
        length = counts_x.sum(axis=1).astype(np.float64)
        try:
            # whether values are finite is looked at afterwards
            with np.errstate(all="ignore"):
                found = evaluate(overlap, matches.astype(np.float64), length)
        except OverflowError:
            raise InvalidArgumentError(
                f"kernel must have coefficients within the range of float64, got {shown(polynomial)}"
            ) from None
        return np.broadcast_to(found, matches.shape)

    return function
