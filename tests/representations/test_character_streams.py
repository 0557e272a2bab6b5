"""Streamed columns and rows: the whole table, orthogonality, and the path of Python integers."""

import tracemalloc
from random import Random

import numpy as np
import pytest

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations import character_streams, characters
from symrep.representations.character_streams import stream_columns, stream_rows
from symrep.representations.character_values import character
from symrep.representations.characters import character_table


def as_lists(stream):
    return [(label.parts, values.tolist()) for label, values in stream]


def table_columns(n):
    T = character_table(n)
    return [(mu.parts, list(T.column(mu))) for mu in T.cycle_types]


def table_rows(n):
    T = character_table(n)
    return [(shape.parts, list(T.row(shape))) for shape in T.shapes]


@pytest.mark.parametrize("n", range(13))
def test_streams_are_the_whole_table(n):
    assert as_lists(stream_columns(n)) == table_columns(n)
    assert as_lists(stream_rows(n)) == table_rows(n)


def test_streams_of_twenty_letters():
    """Columns against rows, both against single values and the norm of a column."""
    shapes = list(partitions(20))
    columns = np.array([values for _, values in stream_columns(20)])
    rows = np.array([values for _, values in stream_rows(20)])
    assert columns.dtype == rows.dtype == np.int64
    assert (columns.T == rows).all() and (rows == character_table(20).to_numpy()).all()
    for i in Random(2).sample(range(len(shapes)), 60):
        assert sum(value**2 for value in columns[i].tolist()) == shapes[i].centralizer_order
        j = Random(i).randrange(len(shapes))
        assert rows[j, i] == character(shapes[j], shapes[i])


@pytest.mark.parametrize("at_once", [1, 3])
def test_pieces_of_any_size(monkeypatch, at_once):
    monkeypatch.setattr(character_streams, "_COLUMNS_AT_ONCE", at_once)
    monkeypatch.setattr(character_streams, "_ROWS_AT_ONCE", at_once)
    assert as_lists(stream_columns(9)) == table_columns(9)
    assert as_lists(stream_rows(9)) == table_rows(9)


@pytest.mark.parametrize("at_once", [2, 64])
def test_values_beyond_machine_integers(monkeypatch, at_once):
    expected_columns, expected_rows = table_columns(9), table_rows(9)
    # Pretend that machine integers end at 16, so that many columns need Python integers.
    monkeypatch.setattr(characters, "_INT64_BOUND", 16)
    monkeypatch.setattr(character_streams, "_COLUMNS_AT_ONCE", at_once)
    monkeypatch.setattr(character_streams, "_ROWS_AT_ONCE", at_once)
    columns, rows = list(stream_columns(9)), list(stream_rows(9))
    assert as_lists(columns) == expected_columns and as_lists(rows) == expected_rows
    for _, values in (*columns, *rows):
        wide = max(map(abs, values.tolist())) >= 16
        assert values.dtype == (object if wide else np.int64)
        assert not wide or {type(value) for value in values} == {int}
    assert 0 < sum(values.dtype == object for _, values in rows) < len(rows)


@pytest.mark.slow
def test_dimensions_that_do_not_fit_in_machine_integers():
    shapes = list(partitions(38))
    dimensions = [shape.dimension for shape in shapes]
    for cycle_type, values in stream_columns(38):
        if cycle_type.parts[0] <= 2:
            assert sum(value**2 for value in values.tolist()) == cycle_type.centralizer_order
    assert cycle_type.parts == (1,) * 38 and values.dtype == object
    assert values.tolist() == dimensions
    largest = shapes[dimensions.index(max(dimensions))]
    ((_, row),) = stream_rows(38, [largest])
    assert row.dtype == object and row[-1] == max(dimensions) > 2**63
    for i in Random(4).sample(range(len(shapes)), 40):
        assert row[i] == character(largest, shapes[i])


def test_chosen_rows_come_in_the_order_asked_for():
    shapes = [(5, 4, 2, 1), (12,), (5, 4, 2, 1), Partition((3, 3, 2, 2, 1, 1))]
    rows = list(stream_rows(12, iter(shapes)))
    T = character_table(12)
    assert [label for label, _ in rows] == [Partition(shape) if isinstance(shape, tuple) else shape for shape in shapes]
    assert all(tuple(values.tolist()) == T.row(label) for label, values in rows)
    assert list(stream_rows(5, [])) == []
    assert as_lists(stream_rows(0, [(), ()])) == [((), [1]), ((), [1])]


def test_arrays_belong_to_the_caller():
    columns, rows = stream_columns(8), stream_rows(8)
    for stream in (columns, rows):
        for _, values in stream:
            assert values.base is None and values.flags.writeable and values.flags.c_contiguous
            values[:] = 99
    assert as_lists(stream_columns(8)) == table_columns(8)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [stream_columns, stream_rows])
def test_memory_stays_below_that_of_the_table(stream):
    character_table(12)
    tracemalloc.start()
    for _ in stream(26):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.6 * character_table(26).to_numpy().nbytes


def test_errors(monkeypatch):
    with pytest.raises(InvalidArgumentError, match="n must be at least 0, got -1"):
        stream_columns(-1)
    with pytest.raises(InvalidTypeError, match="n must be an integer, got 4.0"):
        stream_rows(4.0)
    with pytest.raises(InvalidPartitionError, match=r"entry of shapes must be a partition of 4, got \(3, 2\)"):
        stream_rows(4, [(3, 2)])
    with pytest.raises(InvalidTypeError, match="shapes must be a sequence of partitions, got 4"):
        stream_rows(4, 4)
    for stream in (stream_columns, stream_rows):
        with pytest.raises(SizeLimitError, match=r"streaming the character table of S_90 needs more than [0-9]+ bytes"):
            stream(90)
    monkeypatch.setattr(characters, "_physical_memory", lambda: 10**6)
    with pytest.raises(SizeLimitError, match=r"got 24: streaming .* needs [0-9]+ bytes; character\(shape"):
        stream_rows(24)
    assert len(list(stream_rows(16))) == 231
    with pytest.raises(SizeLimitError, match=r"stream_columns\(n\) and stream_rows\(n\) make it piece by piece"):
        character_table(20)
