"""Hypothesis strategies for partitions, tableaux, permutations, kernels, networks and measures.

>>> from hypothesis import given
>>> @given(partitions_of(0, 8))
... def check_conjugate(shape): assert shape.conjugate.conjugate == shape
>>> check_conjugate()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import sympy
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import StandardTableau
from symrep.errors import InvalidArchitectureError, require, require_integer
from symrep.kernels import (
    READOUTS,
    Dense,
    Erf,
    Flatten,
    Gelu,
    LastToken,
    Layer,
    LinearAttention,
    MeanPool,
    Network,
    Polynomial,
    Positions,
    QueryToken,
    Relu,
    TiedAttention,
    TokenEmbedding,
    UniformAttention,
    residual,
    serial,
)
from symrep.kernels.attention import Attention
from symrep.kernels.features import Features
from symrep.kernels.layers import all_layers
from symrep.kernels.overlaps import matches_symbol, overlap_symbol
from symrep.measures import ExchangeableMeasure, frozen_mixture, iid, iid_uniform


@st.composite
def partitions_of(draw: Callable[..., Any], min_n: int = 0, max_n: int = 8) -> Partition:
    """Partitions of every n from ``min_n`` to ``max_n``; they shrink to few cells in few rows.

    >>> from hypothesis import find
    >>> find(partitions_of(3, 6), lambda shape: shape.length == 2)
    Partition((2, 1))
    """
    rest = draw(st.integers(require_integer(min_n, "min_n", minimum=0), require_integer(max_n, "max_n", minimum=min_n)))
    largest, parts = rest, []
    while rest:
        largest = draw(st.integers(1, min(largest, rest)))
        parts.append(largest)
        rest -= largest
    return Partition(parts)


@st.composite
def standard_tableaux_of(
    draw: Callable[..., Any], shape: Partition | Iterable[int] | None = None, *, min_n: int = 1, max_n: int = 7
) -> StandardTableau:
    """Standard tableaux of one shape, or of any shape with ``min_n`` to ``max_n`` cells.

    >>> from hypothesis import find
    >>> find(standard_tableaux_of((3, 2)), lambda tableau: tableau.position(5) == (0, 2))
    StandardTableau(((1, 2, 5), (3, 4)))
    """
    remaining = draw(partitions_of(min_n, max_n)) if shape is None else as_partition(shape)
    rows = [[0] * part for part in remaining.parts]
    for entry in range(remaining.size, 0, -1):
        # Listed from the bottom row up, so that shrinking leads to the tableau that is filled row by row.
        row, column = draw(st.sampled_from(remaining.removable_cells()[::-1]))
        rows[row][column] = entry
        remaining = remaining.remove_cell((row, column))
    return StandardTableau(rows)


def permutations_of(n: int) -> st.SearchStrategy[Permutation]:
    """Sympy permutations of 0..n-1; they shrink to the identity.

    >>> from hypothesis import find
    >>> find(permutations_of(4), lambda g: g.order() == 2 and g(0) != 0).array_form
    [1, 0, 2, 3]
    """
    n = require_integer(n, "n", minimum=0)
    return st.permutations(range(n)).map(Permutation)


def _rationals(lowest: int, highest: int = 3) -> st.SearchStrategy[sympy.Rational]:
    """Rationals with numerator in ``lowest..highest`` and denominator 1, 2 or 3."""
    return st.builds(sympy.Rational, st.integers(lowest, highest), st.integers(1, 3))


@st.composite
def kernels_polynomial(
    draw: Callable[..., Any], max_degree: int = 2, *, positive_semidefinite: bool = False
) -> sympy.Expr:
    """Polynomials in the counts u and m with small rational coefficients, of total degree at most ``max_degree``.

    With ``positive_semidefinite`` the coefficients are not negative, which makes the polynomial a kernel: 1, u and m
    are kernels, and so are their products and sums.

    >>> from hypothesis import find
    >>> find(kernels_polynomial(2), lambda kernel: sympy.Poly(kernel, matches_symbol).degree() == 2)
    m**2
    """
    max_degree = require_integer(max_degree, "max_degree", minimum=0)
    monomials = [
        overlap_symbol**i * matches_symbol**j for i in range(max_degree + 1) for j in range(max_degree + 1 - i)
    ]
    return sympy.Add(*(draw(_rationals(0 if positive_semidefinite else -3)) * monomial for monomial in monomials))


def _positions() -> st.SearchStrategy[Positions]:
    shares = st.sampled_from([sympy.Rational(1, 4), sympy.Rational(1, 2)])
    concatenated = st.builds(Positions, _rationals(0), combine=st.just("concat"), share=shares, trainable=st.booleans())
    return st.one_of(st.builds(Positions, _rationals(0), trainable=st.booleans()), concatenated)


def _attentions(kinds: Sequence[type[Attention]], **settings: Any) -> st.SearchStrategy[Layer]:
    standard_deviations = _rationals(1, 2)
    common = {
        "query_std": standard_deviations,
        "out_std": standard_deviations,
        "bias_std": st.sampled_from([sympy.Integer(0), sympy.Rational(1, 2)]),
        "positions": st.one_of(st.none(), _positions()),
        "positions_on_values": st.booleans(),
    }
    return st.one_of(*(st.builds(kind, **common, **settings) for kind in kinds))


def _polynomial_layers() -> st.SearchStrategy[Layer]:
    standard_deviations = _rationals(1, 2)
    biases = st.sampled_from([sympy.Integer(0), sympy.Rational(1, 2)])
    return st.one_of(
        st.builds(Dense, standard_deviations, biases),
        st.builds(UniformAttention, standard_deviations, standard_deviations, biases),
        _attentions([LinearAttention], normalized=st.booleans()),
        _positions(),
    )


def _other_layers() -> st.SearchStrategy[Layer]:
    polynomials = st.builds(Polynomial, st.lists(_rationals(-2), min_size=1, max_size=3).map(tuple))
    activations = st.sampled_from(["softmax", "identity", "relu"])
    nonlinear = st.one_of(st.sampled_from([Relu(), Erf(), Gelu()]), polynomials)
    return st.one_of(nonlinear, nonlinear, _attentions([TiedAttention], activation=activations))


def _with_residuals(simple: st.SearchStrategy[Layer]) -> st.SearchStrategy[Layer]:
    def composed(layers: list[Layer]) -> Layer:
        weights = () if any(layer.has_weights for layer in layers) else (Dense(2, "1/2"),)
        return residual(*_with_weights_between(layers), *weights)

    return st.one_of(simple, st.lists(simple, min_size=1, max_size=2).map(composed))


def _with_weights_between(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers, with a Dense layer before each that needs Gaussian or centred features where they are others."""
    features = Features()
    for layer in layers:
        try:
            features = layer.features(features)
        except InvalidArchitectureError:
            yield Dense("3/2")
            features = layer.features(Features())
        yield layer


def _number_of_linear_attentions(layers: Sequence[Layer]) -> int:
    return sum(isinstance(layer, LinearAttention) for layer in all_layers(tuple(layers)))


@st.composite
def networks(
    draw: Callable[..., Any],
    *,
    readouts: Sequence[str] = READOUTS,
    max_layers: int = 3,
    max_linear_attentions: int = 2,
    polynomial: bool = True,
) -> Network:
    """Networks with rational parameters: embedding, positions, layers, a readout.

    Up to ``max_layers`` layers: Dense, UniformAttention, LinearAttention (normalized or not, with positions of its own or
    not), Positions (summed or concatenated), and residual blocks of them; a Dense layer may follow the readout.
    ``readouts`` are among "pool", "flatten", "last", "query". Without ``polynomial`` also ReLU, erf, GELU, polynomial
    nonlinearities and TiedAttention. Every linear attention multiplies the degree of the overlap polynomial by 3: beyond
    two, factoring it is slow.

    >>> from hypothesis import find
    >>> find(networks(readouts=("last",)), lambda net: len(net.layers) == 4).extra_token
    'last'
    """
    readouts = tuple(readouts)
    known = len(readouts) > 0 and set(readouts) <= set(READOUTS)
    require(known, "readouts", f"must be some of {', '.join(READOUTS)}", readouts, InvalidArchitectureError)
    max_layers = require_integer(max_layers, "max_layers", minimum=0)
    most = require_integer(max_linear_attentions, "max_linear_attentions", minimum=0)
    simple = _polynomial_layers() if polynomial else st.one_of(_polynomial_layers(), _other_layers())
    lists_of_layers = st.lists(_with_residuals(simple), max_size=max_layers)
    layers = draw(lists_of_layers.filter(lambda drawn: _number_of_linear_attentions(drawn) <= most))
    readout = draw(st.sampled_from(readouts))
    if readout == "query":
        last: Layer = QueryToken(draw(_rationals(0)), draw(_rationals(0)))
    else:
        last = {"pool": MeanPool, "flatten": Flatten, "last": LastToken}[readout]()
    after = draw(st.sampled_from([(), (Dense(2, "1/2"),)]))
    first = (TokenEmbedding(draw(_rationals(1))), Positions(draw(_rationals(0))))
    return serial(*_with_weights_between([*first, *layers, last, *after]))


@st.composite
def _probability_vectors(draw: Callable[..., Any], size: int) -> list[sympy.Rational]:
    counts = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size).filter(any))
    return [sympy.Rational(count, sum(counts)) for count in counts]


@st.composite
def measures(
    draw: Callable[..., Any], vocab_size: int | None = None, *, max_vocab_size: int = 3, max_states: int = 3
) -> ExchangeableMeasure:
    """Exchangeable measures with rational probabilities (zeros included): uniform, iid, and frozen mixtures.

    Parameters
    ----------
    vocab_size
        V; from 1 to ``max_vocab_size`` unless given.
    max_states
        The largest number of hidden states of a mixture.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(measures(2), lambda measure: not measure.is_token_symmetric)
    iid([0, 1])
    """
    if vocab_size is None:
        size = draw(st.integers(1, require_integer(max_vocab_size, "max_vocab_size", minimum=1)))
    else:
        size = require_integer(vocab_size, "vocab_size", minimum=1)
    max_states = require_integer(max_states, "max_states", minimum=1)
    states = draw(st.integers(0, max_states))
    if states == 0:
        return iid_uniform(size)
    if states == 1:
        return iid(draw(_probability_vectors(size)))
    return frozen_mixture(draw(_probability_vectors(states)), [draw(_probability_vectors(size)) for _ in range(states)])
