"""Pickles of exact results that come back as they were, and hold nothing that can be computed again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sympy

from symrep.spectra.roots import OrderedRoot

_EVALUATED_WHEN_MADE = (sympy.Add, sympy.Mul, sympy.Pow)
_MADE_OF_EXPRESSIONS = (OrderedRoot, sympy.Tuple, sympy.Max, sympy.Min)


class ExactPickles:
    """For dataclasses: only the fields are copied and pickled, with expressions in the form that they have.

    sympy evaluates a product when it is read from a pickle: (L + 1)/2 would come back as L/2 + 1/2, which is not the same
    expression, and a power of a million digits that was left as it is would be worked out.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: _packed(getattr(self, field.name)) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: _unpacked(value) for name, value in state.items()})


class _Packed(tuple):
    """A type and what its arguments are packed as."""


def _packed(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(map(_packed, value))
    if isinstance(value, sympy.ImmutableMatrix):
        return _Packed((type(value), (*value.shape, [_packed(entry) for entry in value.flat()])))
    if isinstance(value, (*_EVALUATED_WHEN_MADE, *_MADE_OF_EXPRESSIONS)):
        return _Packed((type(value), tuple(map(_packed, value.args))))
    return value


def _unpacked(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(map(_unpacked, value))
    if not isinstance(value, _Packed):
        return value
    made, arguments = value
    if issubclass(made, sympy.ImmutableMatrix):
        rows, columns, entries = arguments
        return made(rows, columns, list(map(_unpacked, entries)))
    unevaluated = {"evaluate": False} if made in _EVALUATED_WHEN_MADE else {}
    return made(*map(_unpacked, arguments), **unevaluated)
