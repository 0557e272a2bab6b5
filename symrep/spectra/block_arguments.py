"""What block spectra in float64 and in exact numbers ask of their arguments."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import FreeSymbolError, InvalidPartitionError, require, require_integer
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


def wanted_shapes(shapes: Iterable[Any] | int | None, degree: int, vocab_size: int) -> list[Partition]:
    """The partitions asked for, each once; None asks for all with at most ``vocab_size`` rows.

    An integer k asks for those of them with at most k boxes below the first row.

    Raises
    ------
    InvalidArgumentError
        When there are none, or one is no partition of the degree or has more rows.

    Examples
    --------
    >>> wanted_shapes([(3, 1), [3, 1], (4,)], 4, 2)
    [Partition((3, 1)), Partition((4,))]
    >>> wanted_shapes(2, 5, 3)
    [Partition((5,)), Partition((4, 1)), Partition((3, 2)), Partition((3, 1, 1))]
    """
    if isinstance(shapes, Integral) and not isinstance(shapes, bool):
        depth = require_integer(shapes, "shapes", minimum=0)
        lower = [mu for k in range(min(depth, degree) + 1) for mu in partitions(k, max_length=vocab_size - 1)]
        padded = ((degree - mu.size, *mu.parts) for mu in lower if degree - mu.size >= max(mu.parts, default=0))
        return [Partition([part for part in parts if part]) for parts in padded]
    if shapes is None:
        return list(partitions(degree, max_length=vocab_size))
    if not isinstance(shapes, Iterable) or isinstance(shapes, str):
        shapes = [shapes]
    wanted = [_of_degree(shape, degree) for shape in shapes]
    require(len(wanted) > 0, "shapes", "must not be empty", wanted)
    for shape in wanted:
        require(shape.length <= vocab_size, "shapes", f"must have at most {vocab_size} rows", shape)
    return list(dict.fromkeys(wanted))


def _of_degree(shape: Any, degree: int) -> Partition:
    try:
        return as_partition(shape, "shapes", size=degree)
    except InvalidPartitionError as error:
        parts = tuple(shape) if isinstance(shape, tuple | list) else ()
        try:
            whole = as_partition((degree - sum(parts), *parts), "shapes", size=degree)
        except (InvalidPartitionError, TypeError):
            raise error from None
        raise InvalidPartitionError(f"{error}; with its first row it would be {whole}") from None
