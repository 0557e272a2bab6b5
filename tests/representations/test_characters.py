"""Characters of the symmetric groups: laws, GAP, and permutation characters as a second route."""

import json
import tracemalloc
from itertools import permutations, product
from math import factorial
from pathlib import Path
from random import Random

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, number_of_partitions, partitions
from symrep.combinatorics.tableaux import kostka_number
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations import characters
from symrep.representations.characters import CharacterTable, character, character_table

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "characters_gap.json").read_text())


def partition_of(n):
    """A strategy for partitions of n that does not list them all."""
    return st.lists(st.integers(1, n), min_size=1, max_size=n).map(lambda steps: cut_to_partition(n, steps))


def cut_to_partition(n, steps):
    parts = []
    for step in steps:
        part = min(step, n - sum(parts))
        if part:
            parts.append(part)
    return Partition(sorted([*parts, *[1] * (n - sum(parts))], reverse=True))


pairs = st.integers(1, 14).flatmap(lambda n: st.tuples(partition_of(n), partition_of(n)))


def element_of(cycle_type):
    """A permutation (images of 0..n-1) with the given cycle type."""
    images, start = [], 0
    for length in cycle_type.parts:
        images += [start + (place + 1) % length for place in range(length)]
        start += length
    return images


def fixed_tabloids(weight, images):
    """How many ways to fill rows of the given lengths with 0..n-1, as sets, are fixed by the permutation."""
    row_words = set(permutations([row for row, length in enumerate(weight.parts) for _ in range(length)]))
    return sum(all(word[i] == word[images[i]] for i in range(len(images))) for word in row_words)


@pytest.mark.parametrize("oracle", ORACLE["tables"], ids=lambda oracle: f"S_{oracle['n']}")
def test_tables_agree_with_gap(oracle):
    T = character_table(oracle["n"])
    assert len(oracle["shapes"]) == len(T.shapes) == len(oracle["cycle_types"])
    for shape, values in zip(oracle["shapes"], oracle["values"]):
        assert [T[shape, cycle_type] for cycle_type in oracle["cycle_types"]] == values
    class_size = dict(zip(T.cycle_types, T.class_sizes))
    assert [class_size[Partition(cycle_type)] for cycle_type in oracle["cycle_types"]] == oracle["class_sizes"]


@pytest.mark.parametrize("n", range(1, 6))
def test_permutation_characters_decompose_by_kostka_numbers(n):
    """Fixed tabloids count the permutation characters; the inverse Kostka matrix takes them to irreducible ones."""
    labels = list(partitions(n))
    kostka = sympy.Matrix([[kostka_number(shape, weight.parts) for weight in labels] for shape in labels])
    tabloids = sympy.Matrix([[fixed_tabloids(weight, element_of(mu)) for mu in labels] for weight in labels])
    assert (kostka.T.inv() * tabloids) == sympy.Matrix(character_table(n).to_matrix())


@pytest.mark.parametrize("n", range(9))
def test_both_orthogonality_relations(n):
    T = character_table(n)
    rows = [T.row(shape) for shape in T.shapes]
    for a, b in product(range(len(rows)), repeat=2):
        inner = sum(size * x * y for size, x, y in zip(T.class_sizes, rows[a], rows[b]))
        assert inner == (factorial(n) if a == b else 0)
        columns = T.column(T.cycle_types[a]), T.column(T.cycle_types[b])
        assert sum(x * y for x, y in zip(*columns)) == (T.cycle_types[a].centralizer_order if a == b else 0)


@pytest.mark.parametrize("n", range(10))
def test_degrees_signs_and_one_dimensional_characters(n):
    T = character_table(n)
    identity = (1,) * n
    assert T.column(identity) == tuple(shape.dimension for shape in T.shapes)
    assert sum(degree**2 for degree in T.column(identity)) == factorial(n)
    signs = tuple(cycle_type.sign for cycle_type in T.cycle_types)
    for shape in T.shapes:
        assert T.row(shape.conjugate) == tuple(sign * value for sign, value in zip(signs, T.row(shape)))
    assert T.row((n,) if n else ()) == (1,) * len(T.shapes)
    assert T.row(identity) == signs


@given(pairs)
@settings(deadline=None, max_examples=60)
def test_single_values_are_table_entries(pair):
    shape, cycle_type = pair
    assert character_table(shape.size)[shape, cycle_type] == character(shape, cycle_type)


def test_table_of_thirty_letters():
    T = character_table(30)
    for cycle_type in Random(1).sample(T.cycle_types, 25):
        values = T.column(cycle_type)
        assert sum(value**2 for value in values) == cycle_type.centralizer_order
        position = Random(cycle_type.length).randrange(len(values))
        assert values[position] == character(T.shapes[position], cycle_type)
    assert T.column((1,) * 30) == tuple(shape.dimension for shape in T.shapes)


def test_columns_of_a_large_table():
    T = character_table(22)
    for cycle_type in Random(3).sample(T.cycle_types, 40):
        values = T.column(cycle_type)
        assert sum(value**2 for value in values) == cycle_type.centralizer_order
        position = Random(5).randrange(len(values))
        assert character(T.shapes[position], cycle_type) == values[position]
    assert T.column((1,) * 22) == tuple(shape.dimension for shape in T.shapes)


@pytest.fixture
def small_integer_range(monkeypatch):
    """Pretend that machine integers end at 16, so that many columns need Python integers."""
    monkeypatch.setattr(characters, "_INT64_BOUND", 16)


def test_columns_beyond_machine_integers(small_integer_range):
    expected = character_table(9)
    T = characters._make_table(9)
    assert 0 < len(T._table.wide) < len(T.shapes)
    for column, values in T._table.wide.items():
        assert max(map(abs, values)) >= 16 and not T._table.machine[:, column].any()
    assert all(abs(value) < 16 for value in T._table.machine.ravel().tolist())
    for label in T.shapes:
        assert T.row(label) == expected.row(label) and T.column(label) == expected.column(label)
        assert all(type(value) is int for value in (*T.row(label), *T.column(label)))
    assert T[(4, 3, 2), (1,) * 9] == 168 and type(T[(4, 3, 2), (1,) * 9]) is int
    assert T.to_numpy().dtype == object and not T.to_numpy().flags.writeable
    assert (T.to_numpy() == expected.to_numpy()).all() and T.to_matrix() == expected.to_matrix()


def test_bound_of_partial_sums_is_taken_before_the_product():
    """One more rim hook than the bound allows makes a column unsafe, one fewer does not."""
    masks = characters._bead_masks(4, characters._numbers_of_restricted_partitions(4))[4]
    order = dict(zip([mu.parts for mu in partitions(4)], range(5)))
    limit = characters._INT64_BOUND**2
    assert characters._unsafe_columns(masks, 4, limit // 24 + 1) == [order[1, 1, 1, 1]]
    assert characters._unsafe_columns(masks, 4, limit // 24) == []
    assert characters._unsafe_columns(masks, 4, limit // 8) == [order[2, 2], order[1, 1, 1, 1]]


@pytest.mark.parametrize("n", range(1, 12))
def test_rim_hook_matrices_by_diagrams(n):
    """A rim hook is a connected skew diagram without a 2 by 2 square; the sign is that of its height."""
    restricted = characters._numbers_of_restricted_partitions(n)
    masks = characters._bead_masks(n, restricted)
    for k in range(1, n + 1) if n <= 7 else (n // 2, n):
        matrix = characters._rim_hook_matrix(masks[n], masks[n - k], k).toarray()
        for (i, larger), (j, smaller) in product(enumerate(partitions(n)), enumerate(partitions(n - k))):
            assert matrix[i, j] == sign_of_rim_hook(larger, smaller), (larger, smaller)


def sign_of_rim_hook(larger, smaller):
    if not larger.contains(smaller):
        return 0
    cells = set(larger.cells()) - set(smaller.cells())
    contents = sorted(column - row for row, column in cells)
    if contents != list(range(contents[0], contents[0] + len(cells))):
        return 0
    return -1 if len({row for row, _ in cells}) % 2 == 0 else 1


def test_peak_memory_is_less_than_twice_the_result():
    character_table(12)
    tracemalloc.start()
    T = character_table(24)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * T.to_numpy().nbytes


def test_order_of_labels_and_types():
    T = character_table(4)
    assert isinstance(T, CharacterTable) and T.n == 4
    assert [shape.parts for shape in T.shapes] == [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    assert T.cycle_types == T.shapes and T.class_sizes == (6, 8, 3, 6, 1)
    assert T.row((3, 1)) == (-1, 0, -1, 1, 3) and T.column((3, 1)) == (1, 0, -1, 0, 1)
    assert T.to_numpy().dtype == np.int64
    assert all(type(value) is int for value in (T[(3, 1), (4,)], *T.row((3, 1)), *T.column((4,))))
    assert T.to_matrix() == sympy.ImmutableMatrix([T.row(shape) for shape in T.shapes])
    assert character_table(0).row(()) == (1,)


@pytest.mark.parametrize("n", [4, 18])
def test_arrays_cannot_be_changed(n):
    array = character_table(n).to_numpy()
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 7
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    with pytest.raises(AttributeError):
        character_table(n).n = 5


def test_display():
    T = character_table(3)
    assert repr(T) == "CharacterTable(n=3)" and T == character_table(3) != character_table(4)
    assert hash(T) == hash(character_table(3))
    assert T._repr_latex_() == (
        r"$\begin{array}{r|rrr}&(3)&(2,1)&(1,1,1)\\\hline (3)&1&1&1\\(2,1)&-1&0&2\\(1,1,1)&1&-1&1\end{array}$"
    )
    html = T._repr_html_()
    assert html.count("<tr>") == 4 and "<tr><th>(2,1)</th><td>-1</td><td>0</td><td>2</td></tr>" in html
    assert character_table(12)._repr_html_() == "<code>CharacterTable(n=12)</code>"
    assert character_table(12)._repr_latex_() == r"$\text{CharacterTable(n=12)}$"


def test_errors():
    with pytest.raises(InvalidArgumentError, match="n must be at least 0, got -1"):
        character_table(-1)
    with pytest.raises(InvalidTypeError, match="n must be an integer, got True"):
        character_table(True)
    T = character_table(4)
    with pytest.raises(InvalidPartitionError, match="shape must be a partition of 4"):
        T[(2, 1), (4,)]
    with pytest.raises(InvalidPartitionError, match="cycle_type must be a partition of 4"):
        T.column((3,))
    with pytest.raises(InvalidTypeError, match=r"index must be a pair T\[shape, cycle_type\], got 2"):
        T[2]


def test_tables_that_do_not_fit_in_memory(monkeypatch):
    needed = 10 * number_of_partitions(70) ** 2
    with pytest.raises(SizeLimitError, match=rf"got 70: .* needs {needed} bytes; stream_columns"):
        character_table(70)
    with pytest.raises(SizeLimitError, match="needs more than [0-9]+ bytes"):
        character_table(10**9)
    monkeypatch.setattr(characters, "_physical_memory", lambda: 10**6)
    with pytest.raises(SizeLimitError, match=rf"needs {10 * number_of_partitions(20) ** 2} bytes"):
        character_table(20)
    assert character_table(17).n == 17


def test_physical_memory_is_guessed_where_it_is_unknown(monkeypatch):
    assert characters._physical_memory() > 2**28
    monkeypatch.delattr(characters.os, "sysconf")
    assert characters._physical_memory() == 2**34
