"""Robinson-Schensted-Knuth insertion: words and permutations as pairs of tableaux, and back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

from symrep.combinatorics.tableaux import SemistandardTableau, StandardTableau, as_standard_tableau
from symrep.errors import InvalidPermutationError, InvalidTypeError, require, require_integer

if TYPE_CHECKING:
    from sympy.combinatorics import Permutation


def rsk(word: Iterable[int]) -> tuple[SemistandardTableau, StandardTableau]:
    """Row insertion of a word: the insertion tableau P and the recording tableau Q, of one shape.

    A letter replaces the leftmost strictly larger letter of the first row, which is inserted in the next row in the
    same way; a letter that replaces none is appended. Q records in which order the cells appear. The length of the
    first row is the length of the longest weakly increasing subsequence of the word.

    Parameters
    ----------
    word
        Positive integers.

    Notes
    -----
    O(n * rows * log n) comparisons for a word of length n.

    Examples
    --------
    >>> P, Q = rsk([2, 1, 3, 1, 2])
    >>> print(P, Q)
    1,1,2/2,3 1,3,5/2,4
    """
    try:
        given = tuple(word)
    except TypeError:
        raise InvalidTypeError(f"word must be a sequence of positive integers, got {word!r}") from None
    insertion, recording = _insert_all(tuple(require_integer(letter, "letter", minimum=1) for letter in given))
    return SemistandardTableau._trusted(_frozen(insertion)), StandardTableau._trusted(_frozen(recording))


def inverse_rsk(P: SemistandardTableau, Q: StandardTableau) -> tuple[int, ...]:
    """The word with insertion tableau P and recording tableau Q.

    Raises
    ------
    InvalidTableauError
        When P is not semistandard, Q is not standard or the shapes differ.

    Examples
    --------
    >>> inverse_rsk(*rsk([2, 1, 3, 1, 2]))
    (2, 1, 3, 1, 2)
    """
    if not isinstance(P, SemistandardTableau):
        P = SemistandardTableau(P.rows if isinstance(P, StandardTableau) else P)
    Q = as_standard_tableau(Q, "Q", shape=P.shape)
    return _remove_all(P, Q)


def robinson_schensted(permutation: Permutation | Iterable[int]) -> tuple[StandardTableau, StandardTableau]:
    """The pair (P, Q) of standard tableaux of a permutation p: insertion of the word p(1), ..., p(n).

    The inverse permutation has the pair (Q, P).

    Parameters
    ----------
    permutation
        A sympy ``Permutation``, or its array form: the images of 0, ..., n - 1. The tableaux have entries 1..n.

    Raises
    ------
    InvalidPermutationError
        When the images are not 0, ..., n - 1 in some order.

    Examples
    --------
    >>> P, Q = robinson_schensted([2, 0, 3, 1])
    >>> print(P, Q)
    1,2/3,4 1,3/2,4
    """
    array_form = getattr(permutation, "array_form", permutation)
    try:
        images = tuple(array_form)
        word = tuple(require_integer(image, "image") + 1 for image in images)
    except TypeError:
        raise InvalidPermutationError(f"permutation must be a list of images of 0..n-1, got {permutation!r}") from None
    rule = "must contain each of 0..n-1 exactly once"
    require(sorted(word) == list(range(1, len(word) + 1)), "permutation", rule, images, InvalidPermutationError)
    insertion, recording = _insert_all(word)
    return StandardTableau._trusted(_frozen(insertion)), StandardTableau._trusted(_frozen(recording))


def inverse_robinson_schensted(P: StandardTableau, Q: StandardTableau) -> Permutation:
    """The sympy permutation with insertion tableau P and recording tableau Q.

    Raises
    ------
    InvalidTableauError
        When P or Q is not standard or the shapes differ.

    Examples
    --------
    >>> inverse_robinson_schensted([[1, 2], [3, 4]], [[1, 3], [2, 4]]).array_form
    [2, 0, 3, 1]
    """
    from sympy.combinatorics import Permutation

    P = as_standard_tableau(P, "P")
    Q = as_standard_tableau(Q, "Q", shape=P.shape)
    return Permutation([letter - 1 for letter in _remove_all(P, Q)])


def _insert_all(word: tuple[int, ...]) -> tuple[list[list[int]], list[list[int]]]:
    insertion: list[list[int]] = []
    recording: list[list[int]] = []
    for step, letter in enumerate(word, start=1):
        for row, record in zip(insertion, recording):
            place = bisect_right(row, letter)
            if place == len(row):
                row.append(letter)
                record.append(step)
                break
            row[place], letter = letter, row[place]
        else:
            insertion.append([letter])
            recording.append([step])
    return insertion, recording


def _remove_all(P: SemistandardTableau | StandardTableau, Q: StandardTableau) -> tuple[int, ...]:
    rows = [list(row) for row in P.rows]
    backwards = []
    for last_row, _ in reversed(Q.entry_positions):
        letter = rows[last_row].pop()
        for row in reversed(rows[:last_row]):
            place = bisect_left(row, letter) - 1
            row[place], letter = letter, row[place]
        backwards.append(letter)
    return tuple(reversed(backwards))


def _frozen(rows: list[list[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, rows))
