"""The modes of a spectrum as learning curves need them: eigenvalues in float64, degeneracies of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np

from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, require
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum, Spectrum

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Modes:
    r"""The positive eigenvalues of a kernel, largest first.

    Attributes
    ----------
    levels
        Each with a float eigenvalue and an integer degeneracy.
    tail
        The sum of all eigenvalues that are too small to be resolved, with their degeneracies: :math:`E K(x, x)` minus
        what the levels hold, and so also the eigenvalues of shapes that a block spectrum was not asked for. While :math:`\kappa` is much larger than each of them they act as that much more ridge.
    """

    levels: tuple[EigenLevel, ...]
    tail: float = 0.0

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The eigenvalue of every level, shape (levels,)."""
        return np.array([level.eigenvalue for level in self.levels], dtype=np.float64)

    @property
    def degeneracies(self) -> tuple[int, ...]:
        """How often every eigenvalue occurs, as Python integers."""
        return tuple(level.degeneracy for level in self.levels)

    @cached_property
    def log_degeneracies(self) -> np.ndarray:
        """Natural logarithms of the degeneracies, which may be too large for a float."""
        return np.array([log(degeneracy) for degeneracy in self.degeneracies])

    @cached_property
    def count(self) -> int:
        """The number of modes of the levels."""
        return sum(self.degeneracies)

    def __repr__(self) -> str:
        return f"<Modes: {len(self.levels)} positive levels>"

    def __len__(self) -> int:
        return len(self.levels)


def as_modes(spec: Any) -> Modes:
    """The modes of a spectrum with numbers for everything.

    Parameters
    ----------
    spec
        A :class:`Spectrum` without free symbols, an :class:`EvaluatedSpectrum`, a :class:`BlockSpectrum`, or modes.

    Raises
    ------
    FreeSymbolError
        When symbols are left in the spectrum.
    InvalidArgumentError
        When an eigenvalue is negative, or there is none that is positive.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform(2), 4).substitute(a=1, p=1)
    >>> as_modes(s).eigenvalues.tolist(), as_modes(s).degeneracies
    ([0.75, 0.125], (1, 1))
    """
    if isinstance(spec, Modes):
        return spec
    if not isinstance(spec, Spectrum | EvaluatedSpectrum | BlockSpectrum):
        raise InvalidTypeError(f"spec must be a spectrum, got {spec!r}")
    if isinstance(spec, Spectrum) and spec.free_symbols():
        missing = ", ".join(sorted(symbol.name for symbol in spec.free_symbols()))
        hint = "substitute(...) puts them; symbolic_target and scaling_law work with symbols"
        raise FreeSymbolError(f"spec must have numbers for {missing}: {hint}, got {spec!r}")
    levels = (spec if isinstance(spec, EvaluatedSpectrum) else spec.evaluate()).levels
    largest = max((level.eigenvalue for level in levels), default=0.0)
    if not largest > 0:
        raise InvalidArgumentError(f"spec must have a positive eigenvalue, got {largest}")
    negative = [level for level in levels if level.eigenvalue < -_ROUNDING * largest]
    require(not negative, "spec", "must have no negative eigenvalue (a kernel is positive semidefinite)", negative[:1])
    positive = tuple(level for level in levels if level.eigenvalue > 0)
    tail = _unresolved_trace(spec) if isinstance(spec, BlockSpectrum) else 0.0
    return Modes(positive, tail)


def _unresolved_trace(spec: BlockSpectrum) -> float:
    unresolved = spec.expected_trace - spec.trace()
    return unresolved if unresolved > _ROUNDING * spec.expected_trace * len(spec.levels) else 0.0


def tail_notes(modes: Modes) -> tuple[str, ...]:
    """A note on what a spectrum lacks, where it lacks something."""
    if modes.tail <= 0:
        return ()
    note = rf"Of $\operatorname{{E}}K(x,x)$, {modes.tail:.3g} is in eigenvalues that the spectrum lacks: "
    return (note + "it counts as ridge, as it should where each of them is far below kappa.",)
