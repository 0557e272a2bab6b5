r"""Irreps of renaming tokens for the eigenvalues of numeric blocks, where measure and kernel treat all tokens alike.

S_V acts on :math:`U_\lambda = \bigotimes_h \mathrm{Sym}^{c_h}(\Lambda^h \mathbb{C}^V)` by signed permutations of its basis:
a renaming of tokens permutes the columns that hold them and changes the sign of a column by the order it leaves it in.
Renamings are elements of GL_V, so they keep :math:`W_\lambda`, and the block of a kernel that ignores the names of tokens
commutes with them.

The Jucys-Murphy elements :math:`J_k = \sum_{i<k} (i\,k)` have integer eigenvalues, and their joint eigenspace for the
contents of one standard tableau of :math:`\mu` holds one vector from every copy of :math:`\mu`. The block restricted to it
has every eigenvalue of that label once: labels come from well separated integers and never from eigenvectors of the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidTypeError, NotInvariantError, VerificationError, require, shown
from symrep.spectra.blocks import NumericBlock
from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.count_tables import table_numbers
from symrep.spectra.level_order import largest_first
from symrep.spectra.spectrum import EigenLevel

_SAME = 1e-10


@dataclass(frozen=True, eq=False)
class TokenBlock:
    """The part of a numeric block that carries one irrep of the renaming of tokens, one vector for every copy of it.

    Attributes
    ----------
    shape, token_shape
        The irreps of the permutations of positions and of the renamings of tokens.
    matrix
        Symmetric, of the size of the multiplicity of the pair.
    vectors
        Orthonormal columns in the coordinates of the block.
    rounding
        That of the block.
    """

    shape: Partition
    token_shape: Partition
    matrix: np.ndarray
    vectors: np.ndarray
    rounding: float

    @property
    def size(self) -> int:
        """The multiplicity of the pair of irreps."""
        return len(self.matrix)

    @property
    def degeneracy(self) -> int:
        """How often every eigenvalue occurs: the product of the dimensions of both irreps."""
        return self.shape.dimension * self.token_shape.dimension

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The eigenvalues, largest first."""
        return np.linalg.eigvalsh(self.matrix)[::-1]

    @property
    def resolved(self) -> np.ndarray:
        """The eigenvalues that exceed the rounding errors, largest first."""
        return self.eigenvalues[np.abs(self.eigenvalues) > self.rounding]

    def __repr__(self) -> str:
        return f"TokenBlock({self.shape}, {self.token_shape}, size={self.size})"


def token_blocks(block: NumericBlock) -> tuple[TokenBlock, ...]:
    """A numeric block split by the irreps of S_V, which renames the tokens (an extra token among them).

    Parameters
    ----------
    block
        From a :func:`symrep.block_spectrum` whose measure and kernel do not change when tokens are renamed.

    Returns
    -------
    tuple
        One part per irrep of S_V that occurs, in reverse lexicographic order of the token shapes.

    Raises
    ------
    InvalidTypeError
        When it is no block of a block spectrum.
    NotInvariantError
        When the measure or the kernel tells tokens apart: names the two tokens.

    Notes
    -----
    The renamings mix only vectors whose token counts are renamings of each other, so the cost is small next to that of
    the block.

    Examples
    --------
    >>> from symrep import block_spectrum, measures
    >>> from symrep.kernels.overlaps import overlap_symbol as u
    >>> block = block_spectrum(u, measures.iid_uniform(3), 4).block((4,))
    >>> token_blocks(block)
    (TokenBlock((4), (3), size=4), TokenBlock((4), (2,1), size=5), TokenBlock((4), (1,1,1), size=1))
    """
    if not isinstance(block, NumericBlock):
        raise InvalidTypeError(f"block must be a block of a block spectrum, got {shown(block)}")
    vocab_size, measure = block.space.vocab_size, block.measure
    require(
        measure.is_token_symmetric, "measure", "must not change when tokens are renamed", measure, NotInvariantError
    )
    action = _TokenAction(block.space, 1 if block.extra_token is None else vocab_size)
    block_matrix = block.matrix
    _require_commuting(block, block_matrix, action)
    parts = []
    for token_shape in partitions(vocab_size):
        vectors = action.joint_eigenspace(tuple(j - i for i, j in token_shape.cells()))
        if vectors.shape[1]:
            matrix = vectors.T @ (vectors.T @ block_matrix).T
            matrix = (matrix + matrix.T) / 2
            parts.append(TokenBlock(block.shape, token_shape, matrix, vectors.toarray(), block.rounding))
    found = sum(part.size * part.token_shape.dimension for part in parts)
    if found != block.size:
        raise VerificationError(f"irreps of S_{vocab_size} fill {found} of the {block.size} dimensions of {block!r}")
    return tuple(parts)


def token_labelled_levels(block: NumericBlock) -> tuple[EigenLevel, ...]:
    """The resolved eigenvalues of a block with their irreps of S_V, largest first; see :func:`token_blocks`.

    The degeneracy of a level is the product of the dimensions of both labels. An eigenvalue that belongs to several token
    shapes gives one level for each, and one that a pair of shapes has twice is listed twice.

    Examples
    --------
    >>> from symrep import block_spectrum, measures
    >>> from symrep.kernels.overlaps import overlap_symbol as u
    >>> for level in token_labelled_levels(block_spectrum(u, measures.iid_uniform(3), 4).block((4,))):
    ...     print(level.token_shape, round(level.eigenvalue, 6), level.degeneracy)
    (3) 5.333333 1
    (2,1) 1.333333 2
    """
    levels = [
        EigenLevel(part.shape, float(eigenvalue), part.degeneracy, part.token_shape)
        for part in token_blocks(block)
        for eigenvalue in part.resolved
    ]
    return largest_first(levels, lambda level: level.eigenvalue)


def _require_commuting(block: NumericBlock, matrix: np.ndarray, action: _TokenAction) -> None:
    largest = float(np.abs(matrix).max(initial=0.0))
    allowed = 2 * block.rounding + _SAME * largest
    for v in range(block.space.vocab_size - 1):
        swap = action.swaps[v, v + 1]
        change = float(np.abs(swap @ (swap @ matrix).T - matrix).max(initial=0.0))
        if change > allowed:
            raise NotInvariantError(
                f"kernel must not change when tokens are renamed, got a block of {block.shape} with entries up to "
                f"{largest:.6g} that change by {change:.6g} when tokens {v} and {v + 1} are exchanged"
            )


class _TokenAction:
    """The transpositions of tokens in the coordinates of a block: extra tokens times a basis of the irreducible space."""

    def __init__(self, space: ColumnSpace, extras: int) -> None:
        basis = space.irreducible
        self.degree = space.vocab_size
        self.size = extras * basis.shape[1]
        self.swaps = {}
        for v, w in combinations(range(self.degree), 2):
            own = basis.T @ _exchange(space, v, w) @ basis
            if extras > 1:
                order = _renaming(extras, v, w)
                own = sparse.kron(sparse.csr_array((np.ones(extras), (order, np.arange(extras)))), own)
            own = sparse.csr_array(own)
            own.eliminate_zeros()
            self.swaps[v, w] = own

    @cached_property
    def _parts(self) -> list[_InvariantPart]:
        """Coordinates that renamings mix among themselves: token counts that are renamings of each other."""
        pattern = sum((abs(swap) for swap in self.swaps.values()), sparse.csr_array((self.size, self.size)))
        count, label = csgraph.connected_components(pattern, directed=False)
        sizes = np.bincount(label, minlength=count)
        order = np.argsort(label, kind="stable")
        starts = np.cumsum(sizes) - sizes
        place = np.empty(self.size, dtype=np.int64)
        place[order] = np.arange(self.size) - np.repeat(starts, sizes)
        offsets = np.cumsum(sizes**2) - sizes**2
        blocks: list[dict[tuple[int, int], np.ndarray]] = [{} for _ in range(count)]
        for pair, swap in self.swaps.items():
            entries = swap.tocoo()
            own = label[entries.row]
            flat = np.zeros(int((sizes**2).sum()))
            flat[offsets[own] + place[entries.row] * sizes[own] + place[entries.col]] = entries.data
            for number, (offset, size) in enumerate(zip(offsets.tolist(), sizes.tolist())):
                blocks[number][pair] = flat[offset : offset + size * size].reshape(size, size)
        return [_InvariantPart(members, swaps) for members, swaps in zip(np.split(order, starts[1:]), blocks)]

    def joint_eigenspace(self, contents: tuple[int, ...]) -> sparse.csr_array:
        """Orthonormal vectors on which J_1, J_2, ... are these contents, in columns."""
        rows, columns, values, width = [], [], [], 0
        for part in self._parts:
            vectors = part.joint_eigenspace(contents)
            own = vectors.shape[1]
            rows.append(np.repeat(part.members, own))
            columns.append(np.tile(np.arange(width, width + own), len(part.members)))
            values.append(vectors.ravel())
            width += own
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(sparse.coo_array(entries, shape=(self.size, width)))


class _InvariantPart:
    """Coordinates that the renamings of tokens map among themselves, with their transpositions."""

    def __init__(self, members: np.ndarray, swaps: dict[tuple[int, int], np.ndarray]) -> None:
        self.members = members
        self.swaps = swaps
        self._eigenspaces: dict[tuple[int, ...], np.ndarray] = {(0,): np.eye(len(members))}

    def joint_eigenspace(self, contents: tuple[int, ...]) -> np.ndarray:
        """Orthonormal vectors on which J_1, J_2, ... are these contents."""
        if contents not in self._eigenspaces:
            prefix, last = contents[:-1], len(contents) - 1
            vectors = self.joint_eigenspace(prefix)
            values, rotation = np.linalg.eigh(vectors.T @ sum(self.swaps[i, last] @ vectors for i in range(last)))
            for content in range(-last, last + 1):
                self._eigenspaces[(*prefix, content)] = vectors @ rotation[:, np.abs(values - content) < 0.5]
        return self._eigenspaces[contents]


def _renaming(count: int, v: int, w: int) -> np.ndarray:
    names = np.arange(count)
    names[[v, w]] = w, v
    return names


def _exchange(space: ColumnSpace, v: int, w: int) -> sparse.csr_array:
    """The exchange of two tokens on the basis of the column space: a signed permutation matrix."""
    names = _renaming(space.vocab_size, v, w)
    targets = np.zeros(1, dtype=np.int64)
    # every full column changes its sign
    signs = np.full(1, (-1) ** space.columns[-1])
    for height, size in zip(space.heights, space.sizes):
        subsets, multisets = space.subsets(height), space.multisets[height]
        number = {subset: i for i, subset in enumerate(subsets)}
        images = [names[list(subset)].tolist() for subset in subsets]
        places = np.array([number[tuple(sorted(image))] for image in images])
        odd = np.array([sum(a > b for a, b in combinations(image, 2)) % 2 for image in images])
        moved = np.empty_like(multisets)
        moved[:, places] = multisets
        own_targets, own_signs = table_numbers(moved), 1 - 2 * ((multisets @ odd) % 2)
        targets = (targets[:, None] * size + own_targets).ravel()
        signs = (signs[:, None] * own_signs).ravel()
    shape = (space.dimension,) * 2
    return sparse.csr_array((signs.astype(float), (targets, np.arange(space.dimension))), shape=shape)
