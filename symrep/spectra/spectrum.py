"""Spectra: eigenvalues with their degeneracies and irreps, exact, with symbols wherever the caller left them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.display import Code, Table
from symrep.errors import FreeSymbolError, InvalidArgumentError, require, require_integer, require_symbols
from symrep.kernels.parameters import as_parameter
from symrep.measures import ExchangeableMeasure
from symrep.representations.stable import PaddedShape
from symrep.spectra.evaluated_spectrum import EigenLevel, EvaluatedSpectrum, float_or_none, power_or_number, without
from symrep.spectra.exact_pickles import ExactPickles
from symrep.spectra.expansions import Expansion
from symrep.spectra.isotypic_block import Block, Shape
from symrep.spectra.level_views import LevelViews
from symrep.spectra.roots import OrderedRoot
from symrep.spectra.solver_arguments import measure_with


@dataclass(frozen=True)
class Spectrum(ExactPickles, LevelViews):
    """The spectrum of a kernel operator under an exchangeable measure. Made by :func:`symrep.spectrum`.

    Read ``levels``, or one ``block(shape)``; ``evaluate(L=..., a=...)`` gives numbers, ``table()`` a table. What all
    spectra offer, :class:`~symrep.spectra.level_views.LevelViews`, plots and compares the levels.

    Attributes
    ----------
    blocks
        One block per label, zero blocks left out.
    measure, length
        The measure and the context length: an integer, a symbol or an expression.
    kernel, architecture
        The network or the polynomial that the spectrum was asked of, and its text.
    expected_trace
        E K(x, x), computed from the moments of the measure alone.
    total_dimension
        The dimension of the space of functions: V^L, times V for a query.
    stable_from, smallest_vocabulary
        A length, and a number of tokens, from which on blocks with symbols for them hold.
    solve, whole_block, parameter_names
        For the methods: the spectrum at values for symbols, by name; the block of a shape that is not split by token
        renaming; the symbols of the network, by name.
    """

    architecture: str
    measure: ExchangeableMeasure
    length: Any
    blocks: tuple[Block, ...]
    total_dimension: Any
    expected_trace: sympy.Expr
    solve: Callable[..., Spectrum] = field(repr=False, compare=False)
    whole_block: Callable[[Any], Block] = field(repr=False, compare=False)
    stable_from: int = 1
    parameter_names: frozenset[str] = frozenset()
    smallest_vocabulary: int = 1
    kernel: Any = field(default=None, repr=False, compare=False)

    @property
    def vocab_size(self) -> Any:
        """The number of tokens."""
        return self.measure.vocab_size

    @cached_property
    def levels(self) -> tuple[EigenLevel, ...]:
        """The nonzero eigenvalues, largest first where they are numbers, else block by block."""
        return tuple(level for level, _, _ in self._placed_levels)

    @cached_property
    def _placed_levels(self) -> list[tuple[EigenLevel, int, int]]:
        """Levels with the number of their block, and their place among its eigenvalues."""
        placed = []
        for number, block in enumerate(self.blocks):
            symbolic = not isinstance(block.shape, Partition)
            leading = block.leading_terms if symbolic else (None,) * len(block.eigenvalues)
            for place, ((eigenvalue, power), term) in enumerate(zip(block.eigenvalues, leading)):
                if eigenvalue != 0:
                    count = block.degeneracy * power
                    labels = block.token_shape, block.query_shape
                    placed.append((EigenLevel(block.shape, eigenvalue, count, *labels, term), number, place))
        if not any(level.eigenvalue.free_symbols for level, _, _ in placed):
            placed.sort(key=lambda entry: entry[0].eigenvalue.evalf(30), reverse=True)
        return placed

    @property
    def level_places(self) -> list[tuple[int, int]]:
        """For every level the number of its block, and its place among the eigenvalues of the block."""
        return [(number, place) for _, number, place in self._placed_levels]

    def expansions(self, order: int) -> tuple[Expansion, ...]:
        """The large-L expansion of the eigenvalue of every level, in the order of ``levels``, to ``order`` nonzero terms.

        Raises
        ------
        InvalidArgumentError
            When the length is a number, or the order is below 1.

        Examples
        --------
        >>> from symrep import kernels, measures, spectrum
        >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
        >>> print(s.expansions(2)[3])
        a**2*p/(2*L) - a**2*p/L**2
        """
        symbolic = not sympy.sympify(self.length).is_Integer
        require(symbolic, "length", "must be the symbol L for expansions", self.length)
        order = require_integer(order, "order", minimum=1)
        by_block = [block.expand(order) for block in self.blocks]
        return tuple(by_block[number][place][0] for _, number, place in self._placed_levels)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of S_L with a nonzero eigenvalue, in the order of the blocks."""
        return tuple(dict.fromkeys(block.shape for block in self.blocks))

    @cached_property
    def zero_degeneracy(self) -> Any:
        """The dimension of the null space; with symbols, that where none of the eigenvalues of the levels vanishes.

        At lengths (or other values) where an eigenvalue is 0 its degeneracy comes to this: :meth:`substitute` counts anew.
        """
        return without(self.total_dimension, sum(level.degeneracy for level in self.levels))

    def free_symbols(self) -> frozenset[sympy.Symbol]:
        """All symbols in the length, the vocabulary and the eigenvalues."""
        symbols = set(sympy.sympify(self.length).free_symbols) | set(sympy.sympify(self.vocab_size).free_symbols)
        return frozenset(symbols.union(*(block.matrix.free_symbols for block in self.blocks)))

    def block(self, shape: Any, token_shape: Any = None, query_shape: Any = None) -> Block:
        """The block of a shape: split by irreps of token and query renaming if they are given, else whole.

        ``shape`` is a partition of the number of permuted positions, or a :class:`~symrep.PaddedShape`; where the length
        is a symbol the partition below the first row does as well, so that ``(1,)`` is the standard representation. Labels
        are also known by their text, ``"(L-1,1)"``.

        Raises
        ------
        InvalidArgumentError
            When the kernel does not reach the shape (its block is zero) or there is no such label.
        """
        wanted = self._label(shape, "shape", symbolic=not isinstance(sympy.sympify(self.length), sympy.Integer))
        blocks = [block for block in self.blocks if block.shape == wanted]
        if not blocks:
            known = self._listed(self.shapes) or "none"
            symbolic = any(isinstance(own, PaddedShape) for own in self.shapes)
            how = ", written without its first row: () for (L), (1,) for (L-1,1)" if symbolic else ""
            raise InvalidArgumentError(f"shape must be one of {known}{how}, got {shape}")
        if token_shape is None:
            require(query_shape is None, "query_shape", "must be left out without a token_shape", query_shape)
            if len(blocks) > 1 and isinstance(blocks[0].token_shape, PaddedShape):
                known = self._listed(block.token_shape for block in blocks)
                raise InvalidArgumentError(f"token_shape must be one of {known} where V is a symbol, got none")
            return blocks[0] if len(blocks) == 1 else self.whole_block(wanted)
        token_label = self._label(token_shape, "token_shape", symbolic=isinstance(blocks[0].token_shape, PaddedShape))
        chosen = [block for block in blocks if block.token_shape == token_label]
        if not chosen:
            known = self._listed(block.token_shape for block in blocks)
            raise InvalidArgumentError(f"token_shape must be one of {known}, got {token_shape}")
        if query_shape is not None:
            has_query = chosen[0].query_shape is not None
            require(has_query, "query_shape", "must be left out where no query is read", str(query_shape))
            of_query = isinstance(blocks[0].query_shape, PaddedShape)
            query_label = self._label(query_shape, "query_shape", symbolic=of_query)
            known = self._listed(block.query_shape for block in chosen)
            chosen = [block for block in chosen if block.query_shape == query_label]
            require(bool(chosen), "query_shape", f"must be one of {known}", str(query_shape))
        if len(chosen) > 1:
            queries = self._listed(block.query_shape for block in chosen)
            raise InvalidArgumentError(
                f"query_shape must be given, one of {queries}, got none beside token_shape {token_shape}"
            )
        return chosen[0]

    def _label(self, value: Any, argument: str, symbolic: bool) -> Shape:
        if isinstance(value, (Partition, PaddedShape)) and isinstance(value, PaddedShape) == symbolic:
            return value
        if isinstance(value, str):
            known = {str(own): own for block in self.blocks if (own := getattr(block, argument)) is not None}
            require(value in known, argument, f"must be one of {', '.join(known) or 'none'}", value)
            return known[value]
        if not symbolic:
            return self._at_length(value) if isinstance(value, PaddedShape) else Partition(value)
        lower = value if isinstance(value, Partition) else Partition(value)
        labels = self.shapes if argument == "shape" else tuple(getattr(block, argument) for block in self.blocks)
        return next(
            (label for label in labels if isinstance(label, PaddedShape) and label.lower == lower), PaddedShape(lower)
        )

    def _at_length(self, shape: PaddedShape) -> Partition:
        degree = shape.degree.subs({s: self.length for s in shape.degree.free_symbols if s.name == "L"})
        return shape.at(require_integer(degree, "degree of shape"))

    @staticmethod
    def _listed(labels: Any) -> str:
        return ", ".join(dict.fromkeys(str(label) for label in labels))

    def trace(self, shape: Any = None) -> sympy.Expr:
        """The sum of eigenvalue times degeneracy, over all blocks or those of one shape (0 if not reached); exact."""
        blocks = self.blocks
        if shape is not None:
            symbolic = not isinstance(sympy.sympify(self.length), sympy.Integer)
            wanted = self._label(shape, "shape", symbolic)
            if isinstance(wanted, Partition) and self.shapes:
                as_partition(wanted, "shape", size=self.shapes[0].size)
            blocks = tuple(block for block in blocks if block.shape == wanted)
        return sympy.factor(sum((block.trace * block.degeneracy for block in blocks), sympy.Integer(0)))

    def shares(self) -> dict[Shape, sympy.Expr]:
        """The share of every shape in the trace."""
        total = self.trace()
        return {shape: sympy.factor(self.trace(shape) / total) for shape in self.shapes}

    def substitute(self, **values: Any) -> Spectrum:
        """The exact spectrum with numbers (or expressions) for symbols given by name, solved anew for them.

        Raises
        ------
        InvalidArgumentError
            When no symbol has one of the names.
        """
        self._require_names(values)
        return self.solve(values)

    def evaluate(self, **values: Any) -> EvaluatedSpectrum:
        """The spectrum in float64 at numbers for all symbols, by name: the door from exact to floating.

        Raises
        ------
        FreeSymbolError
            When a symbol is left without a number.
        InvalidArgumentError
            When no symbol has one of the names, or the numbers give no measure or no kernel.

        Examples
        --------
        >>> from symrep import kernels, measures, spectrum
        >>> s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform())
        >>> for level in s.evaluate(L=4, V=3, a=1, p=1).levels:
        ...     print(level.shape, level.token_shape, level.eigenvalue, level.degeneracy)
        (4) (3) 0.5833333333333334 1
        (4) (2,1) 0.08333333333333333 2
        """
        self._require_names(values)
        values = {name: _exact_number(name, value) for name, value in values.items()}
        missing = sorted(s.name for s in self.free_symbols() if s.name not in values)
        if missing:
            given = ", ".join(sorted(values)) or "none"
            raise FreeSymbolError(f"evaluate needs numbers for {', '.join(missing)}, got {given}")
        measure_with(self.measure, values)
        source = self
        if not sympy.sympify(self.vocab_size).is_Integer and values["V"] < self.smallest_vocabulary:
            source = source.substitute(V=values["V"])
        if not sympy.sympify(self.length).is_Integer and values["L"] < self.stable_from:
            source = source.substitute(L=values["L"])
        symbols = source.free_symbols() | sympy.sympify(source.total_dimension).free_symbols
        numbers = {symbol: values[symbol.name] for symbol in symbols}
        levels = [_evaluated(level, numbers) for level in source.levels]
        levels = [level for level in levels if level.degeneracy and level.eigenvalue]
        levels.sort(key=lambda level: -level.eigenvalue)
        base, exponent = sympy.sympify(source.total_dimension, evaluate=False).as_base_exp()
        if source.free_symbols():
            total = power_or_number(base.subs(numbers), exponent.subs(numbers))
        else:
            total = source.total_dimension
        at = ", ".join(f"{name} = {value}" for name, value in values.items())
        title = (*self.title, f", at {at}") if at else self.title
        return EvaluatedSpectrum(self.architecture, tuple(levels), total, title=title)

    def _require_names(self, values: dict[str, Any]) -> None:
        require_symbols(values, {symbol.name for symbol in self.free_symbols()} | self.parameter_names)

    def to_json(self, order: int | None = None, **names: str) -> str:
        """A JSON object with architecture, vocab_size, length, levels and trace.

        ``names`` replaces or adds entries, such as the name of a preset for ``architecture``. A level has ``shape``,
        ``eigenvalue``, ``degeneracy``, and where they are known ``token_shape``, ``query_shape``, ``value`` (a float) and
        ``leading``, and with ``order`` that many terms at large L, ``expansion``. A shape is the list of its parts, ``[3, 1]``, or where these have symbols its text, ``"(L-1,1)"``.
        Expressions are strings that ``sympy.sympify`` reads. An eigenvalue that only a polynomial defines is
        null, with ``polynomial`` (in x) and ``root_index`` (0 is the largest root) beside it.
        """
        return json.dumps(self.to_dict(order) | names, indent=2)

    def to_dict(self, order: int | None = None) -> dict[str, Any]:
        """The content of :meth:`to_json`."""
        expansions = [{}] * len(self.levels)
        if order is not None:
            expansions = [{"expansion": str(expansion)} for expansion in self.expansions(order)]
        return {
            "architecture": self.architecture,
            "network": self.architecture,
            "measure": repr(self.measure),
            "vocab_size": plain_number(self.vocab_size),
            "length": plain_number(self.length),
            "levels": [_level_dict(level) | at_large for level, at_large in zip(self.levels, expansions)],
            "zero_degeneracy": plain_number(self.zero_degeneracy),
            "trace": str(self.trace()),
        }

    def table(self, order: int | None = None) -> Table:
        """Levels as a table, see :func:`symrep.spectra.spectrum_tables.levels_table`."""
        from symrep.spectra.spectrum_tables import levels_table

        return levels_table(self, order)

    @property
    def title(self) -> tuple[Any, ...]:
        """Architecture, measure and length, as parts of a caption."""
        return Code(self.architecture), " under ", Code(repr(self.measure)), ", length ", sympy.sympify(self.length)

    def __repr__(self) -> str:
        count = len(self.levels)
        return f"<Spectrum of {self.architecture} under {self.measure!r}, length={self.length}: {count} nonzero levels>"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def _exact_number(name: str, value: Any) -> sympy.Expr:
    """A number for a symbol: an integer of at least 1 for L and V, an exact nonnegative number for the others."""
    if name in ("L", "V"):
        return sympy.Integer(require_integer(value, {"L": "length", "V": "vocab_size"}[name], minimum=1))
    number = as_parameter(value, name)
    if number.free_symbols:
        raise FreeSymbolError(f"{name} must be a number, got {value!r}")
    return number


def _evaluated(level: EigenLevel, numbers: dict[sympy.Symbol, Any]) -> EigenLevel:
    exact = sympy.sympify(level.eigenvalue).subs(numbers)
    if exact.has(sympy.zoo, sympy.nan):
        raise InvalidArgumentError(f"symbols must not be at a pole of the kernel, got {numbers}")
    eigenvalue = float(exact.evalf(30))
    degeneracy = int(sympy.sympify(level.degeneracy).subs(numbers))
    labels = (
        {name: _at(getattr(level, name), numbers) for name in ("shape", "token_shape", "query_shape")}
        if degeneracy
        else {}
    )
    return replace(level, eigenvalue=eigenvalue, degeneracy=degeneracy, leading=None, **labels)


def _at(label: Shape | None, numbers: dict[sympy.Symbol, Any]) -> Shape | None:
    if not isinstance(label, PaddedShape):
        return label
    degree = int(label.degree.subs(numbers))
    return label.at(degree) if label.exists(degree) else label


def plain_number(value: Any) -> Any:
    """An integer of any kind as a Python integer, everything else as text."""
    expression = sympy.sympify(value)
    return int(expression) if expression.is_Integer else str(value)


def _label_json(label: Shape | None) -> Any:
    return list(label.parts) if isinstance(label, Partition) else str(label)


def _level_dict(level: EigenLevel) -> dict[str, Any]:
    result: dict[str, Any] = {"shape": _label_json(level.shape)}
    for name in ("token_shape", "query_shape"):
        if getattr(level, name) is not None:
            result[name] = _label_json(getattr(level, name))
    if isinstance(level.eigenvalue, OrderedRoot):
        polynomial = level.eigenvalue.polynomial
        result |= {
            "eigenvalue": None,
            "polynomial": str(polynomial.as_expr()),
            "root_index": int(level.eigenvalue.args[1]),
        }
    else:
        result["eigenvalue"] = str(level.eigenvalue)
    value = float_or_none(level.eigenvalue)
    if value is not None:
        result["value"] = value
    result["degeneracy"] = plain_number(level.degeneracy)
    if level.leading is not None:
        result["leading"] = str(level.leading)
    return result
