"""The smallest representations of S_n, with integer matrices: natural, standard, trivial and sign."""

from __future__ import annotations

from dataclasses import dataclass

from symrep.combinatorics.partitions import Partition
from symrep.errors import require_integer
from symrep.representations.representation import IntegerRepresentation, IrreducibleRepresentation, Representation


@dataclass(frozen=True, repr=False)
class _Natural(IntegerRepresentation):
    n: int

    @property
    def dimension(self) -> int:
        return self.n

    @property
    def multiplicities(self) -> dict[Partition, int]:
        return {Partition((self.n,)): 1} | ({Partition((self.n - 1, 1)): 1} if self.n > 1 else {})

    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        images = list(range(self.n))
        images[i - 1], images[i] = i, i - 1
        return tuple({image: 1} for image in images)

    def __repr__(self) -> str:
        return f"natural({self.n})"


@dataclass(frozen=True, repr=False)
class _Standard(IntegerRepresentation, IrreducibleRepresentation):
    shape: Partition

    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        vector_of_point = {tableau.rows[1][0] - 1: index for index, tableau in enumerate(self.basis)}
        if i == 1:
            minus_row = dict.fromkeys(range(self.dimension), -1)
            return tuple(minus_row if point == 1 else {index: 1} for point, index in vector_of_point.items())
        swapped = {i - 1: i, i: i - 1}
        return tuple({vector_of_point[swapped.get(point, point)]: 1} for point in vector_of_point)

    def __repr__(self) -> str:
        return f"standard({self.n})"


@dataclass(frozen=True, repr=False)
class _OneDimensional(IntegerRepresentation, IrreducibleRepresentation):
    shape: Partition
    name: str

    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        return ({0: -1 if self.name == "sign" else 1},)

    def __repr__(self) -> str:
        return f"{self.name}({self.n})"


def natural(n: int) -> Representation:
    r"""The n-dimensional natural representation: ``rho.matrix(p) * v`` has the entries ``v[p(0)], v[p(1)], ...``.

    The basis vector :math:`e_j` goes to :math:`e_{p^{-1}(j)}`.

    >>> from sympy import Matrix
    >>> from sympy.combinatorics import Permutation
    >>> list(natural(3).matrix(Permutation([1, 2, 0])) * Matrix([10, 20, 30]))
    [20, 30, 10]
    """
    return _Natural(require_integer(n, "n", minimum=1))


def standard(n: int) -> IrreducibleRepresentation:
    r"""The (n-1)-dimensional standard representation: the zero-sum vectors of :func:`natural`, shape (n-1, 1).

    The basis vector labelled by the standard tableau with k in its second row is :math:`e_{k-1} - e_0`: these are the
    matrices of ``specht_module((n - 1, 1))``.

    >>> standard(3).basis
    (StandardTableau(((1, 2), (3,))), StandardTableau(((1, 3), (2,))))
    >>> standard(3).generator(1)
    Matrix([
    [ 1,  0],
    [-1, -1]])
    """
    return _Standard(Partition((require_integer(n, "n", minimum=2) - 1, 1)))


def trivial(n: int) -> IrreducibleRepresentation:
    """The one-dimensional representation in which every permutation is 1.

    >>> trivial(4), trivial(4).shape
    (trivial(4), Partition((4,)))
    """
    return _OneDimensional(Partition((require_integer(n, "n", minimum=1),)), "trivial")


def sign(n: int) -> IrreducibleRepresentation:
    """The one-dimensional representation by the sign of a permutation.

    >>> sign(4).matrix([1, 0, 2, 3]), sign(4).shape
    (Matrix([[-1]]), Partition((1, 1, 1, 1)))
    """
    return _OneDimensional(Partition((1,) * require_integer(n, "n", minimum=1)), "sign")
