"""What block spectra in float64 and in exact numbers ask of their arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import FreeSymbolError, require
from symrep.measures import ExchangeableMeasure


def numeric_vocab_size(measure: ExchangeableMeasure) -> int:
    """The number of tokens of an exchangeable measure with numbers.

    Raises
    ------
    FreeSymbolError
        When it has symbols.
    """
    if measure.parameters():
        raise FreeSymbolError(f"measure must have numbers, got symbols {', '.join(map(str, measure.parameters()))}")
    return int(measure.vocab_size)


def wanted_shapes(shapes: Iterable[Any] | None, degree: int, vocab_size: int) -> list[Partition]:
    """The partitions asked for, each once; None asks for all with at most ``vocab_size`` rows.

    Raises
    ------
    InvalidArgumentError
        When there are none, or one is no partition of the degree or has more rows.

    Examples
    --------
    >>> wanted_shapes([(3, 1), [3, 1], (4,)], 4, 2)
    [Partition((3, 1)), Partition((4,))]
    """
    if shapes is None:
        return list(partitions(degree, max_length=vocab_size))
    if not isinstance(shapes, Iterable) or isinstance(shapes, str):
        shapes = [shapes]
    wanted = [as_partition(shape, "shapes", size=degree) for shape in shapes]
    require(len(wanted) > 0, "shapes", "must not be empty", wanted)
    for shape in wanted:
        require(shape.length <= vocab_size, "shapes", f"must have at most {vocab_size} rows", shape)
    return list(dict.fromkeys(wanted))
