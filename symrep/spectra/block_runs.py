"""Many blocks run one by one or in parallel, with a progress bar, and kept in files as soon as they are finished.

``joblib.Memory`` would keep blocks too. Files of its own are used because it hashes all arguments of every call, here the
kernel's values once for every block; because it writes from the workers, which on a cluster need not see the directory;
because it trusts pickles; and because it drops everything when the text of the remembered function changes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

import symrep
from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer
from symrep.measures import ExchangeableMeasure
from symrep.spectra.column_space import ColumnSpace, WeightBasis
from symrep.spectra.context_probabilities import log_context_probabilities
from symrep.spectra.match_blocks import SolvedBlock, multiplicity

_FORMAT = "symrep block 2"

Task = tuple[Callable[..., SolvedBlock], Partition, Any]


@dataclass(frozen=True)
class RunOptions:
    """How blocks are run; see :func:`symrep.block_spectrum` for the meaning.

    Raises
    ------
    InvalidTypeError
        When ``n_jobs`` is neither None nor an integer, ``progress`` no bool, or ``cache`` neither None nor a path.
    InvalidArgumentError
        When ``n_jobs`` is 0, or nothing can be written into the directory ``cache``.
    """

    n_jobs: int | None = None
    progress: bool = False
    cache: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.n_jobs is not None:
            n_jobs = require_integer(self.n_jobs, "n_jobs")
            require(n_jobs != 0, "n_jobs", "must be positive, or negative to count down from all processors", n_jobs)
            object.__setattr__(self, "n_jobs", n_jobs)
        require(isinstance(self.progress, bool), "progress", "must be True or False", self.progress, InvalidTypeError)
        if self.cache is not None:
            is_path = isinstance(self.cache, str | os.PathLike) and isinstance(os.fspath(self.cache), str)
            require(
                is_path and self.cache != "", "cache", "must be the path of a directory", self.cache, InvalidTypeError
            )
            object.__setattr__(self, "cache", _writable_directory(Path(self.cache)))


def _writable_directory(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except (OSError, ValueError) as error:
        raise _cannot_write(directory, error) from None
    return directory


def _cannot_write(directory: Path, error: Exception) -> InvalidArgumentError:
    reason = getattr(error, "strerror", None) or error
    return InvalidArgumentError(f"cache must be a directory that files can be written into, got {directory}: {reason}")


@dataclass(frozen=True)
class KeptBlocks:
    """Files of finished blocks of one problem: ``directory/<hash>.npz``, one for every shape.

    The hash is of everything that a block depends on: the method, the values of the kernel, the probabilities of the
    measure, the shape, and the version. Files that cannot be read, or hold anything else, count as missing.
    """

    directory: Path
    problem: str
    vocab_size: int
    extras: int

    def path(self, shape: Partition) -> Path:
        """Where the block of this shape is kept."""
        name = hashlib.sha256(f"{self.problem} {shape.parts}".encode()).hexdigest()
        return self.directory / f"{name}.npz"

    def load(self, shape: Partition) -> SolvedBlock | None:
        """The block of this shape, or None."""
        try:
            with open(self.path(shape), "rb") as file, np.load(file, allow_pickle=False) as arrays:
                own = arrays["name"] == self.path(shape).stem
                block = _from_arrays(dict(arrays)) if own else None
        except Exception:
            # damage shows in many ways, and all of them mean that the block has to be solved
            return None
        return block if block is not None and self._fits(block, shape) else None

    def _fits(self, block: SolvedBlock, shape: Partition) -> bool:
        size = self.extras * multiplicity(shape, self.vocab_size)
        numbers = [block.eigenvalues, np.array(block.rounding)] + [block.matrix] * (block.matrix is not None)
        finite = all(array.dtype == np.float64 and np.isfinite(array).all() for array in numbers)
        return (
            finite
            and block.eigenvalues.shape == (size,)
            and (block.matrix is None or block.matrix.shape == (size,) * 2)
        )

    def store(self, shape: Partition, block: SolvedBlock) -> None:
        """Write the block, at once or not at all.

        Raises
        ------
        InvalidArgumentError
            When it cannot be written.
        """
        path = self.path(shape)
        unfinished = path.with_name(f"{path.stem}.{uuid4().hex}.tmp")
        try:
            with open(unfinished, "xb") as file:
                np.savez(file, name=np.array(path.stem), **_to_arrays(block))
            unfinished.replace(path)
        except OSError as error:
            raise _cannot_write(self.directory, error) from None
        finally:
            unfinished.unlink(missing_ok=True)


def kept_blocks(
    options: RunOptions,
    method: str,
    values: np.ndarray,
    error: float,
    measure: ExchangeableMeasure,
    total: int,
    extra_token: str | None,
) -> KeptBlocks | None:
    """The files of finished blocks of this problem; None where none are to be kept."""
    if options.cache is None:
        return None
    vocab_size = int(measure.vocab_size)
    digest = hashlib.sha256()
    problem = (_FORMAT, symrep.__version__, method, total, vocab_size, extra_token, values.shape, float(error))
    digest.update(repr(problem).encode())
    digest.update(np.ascontiguousarray(values))
    for token in range(vocab_size if extra_token else 1):
        probabilities = log_context_probabilities(measure, total, token if extra_token else None)
        digest.update(np.ascontiguousarray(probabilities))
    return KeptBlocks(options.cache, digest.hexdigest(), vocab_size, vocab_size if extra_token else 1)


def solve_blocks(
    tasks: Callable[[list[Partition]], Iterable[Task]],
    costs: dict[Partition, int],
    options: RunOptions,
    kept: KeptBlocks | None,
) -> dict[Partition, SolvedBlock]:
    """The blocks of all shapes that ``costs`` has the relative costs of.

    ``tasks`` makes, one when needed, for the shapes that no file has, a function that can be pickled, its first argument, the
    shape, and the others. Large arrays must be arguments themselves for all backends of joblib to share them.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    found = {} if kept is None else {shape: block for shape in costs if (block := kept.load(shape)) is not None}
    missing = [shape for shape in costs if shape not in found]
    bar = tqdm(
        total=sum(costs.values()),
        initial=sum(costs[shape] for shape in found),
        disable=not options.progress,
        bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed}<{remaining}",
    )
    with bar:
        bar.set_description_str(f"{len(found)}/{len(costs)} blocks")
        if not missing:
            return found
        run = Parallel(n_jobs=options.n_jobs, return_as="generator_unordered")
        with closing(run(delayed(_with_shape)(*task) for task in tasks(missing))) as results:
            for shape, block in results:
                if kept is not None:
                    kept.store(shape, block)
                found[shape] = block
                bar.set_description_str(f"{len(found)}/{len(costs)} blocks", refresh=False)
                bar.update(costs[shape])
    return found


def _with_shape(solve: Callable[..., SolvedBlock], shape: Partition, *arguments: Any) -> tuple[Partition, SolvedBlock]:
    return shape, solve(shape, *arguments)


def space_of(block: SolvedBlock, shape: Partition, vocab_size: int) -> ColumnSpace:
    """The column space of a shape, with the basis of the block's matrix where it has one.

    Bases of degenerate eigenspaces are a matter of rounding: another process or machine may find others.
    """
    space = ColumnSpace(shape, vocab_size)
    if block.bases is not None:
        vars(space)["weight_bases"] = block.bases
    return space


def _to_arrays(block: SolvedBlock) -> dict[str, np.ndarray]:
    arrays = {"eigenvalues": block.eigenvalues, "rounding": np.array(block.rounding)}
    if block.matrix is None or block.bases is None:
        return arrays
    return arrays | {
        "matrix": block.matrix,
        "weights": np.array([basis.weight for basis in block.bases]),
        "basis_shapes": np.array([basis.vectors.shape for basis in block.bases]),
        "members": np.concatenate([basis.members for basis in block.bases]),
        "vectors": np.concatenate([basis.vectors.ravel() for basis in block.bases]),
    }


def _from_arrays(arrays: dict[str, np.ndarray]) -> SolvedBlock:
    eigenvalues, rounding = arrays["eigenvalues"], float(arrays["rounding"])
    if "matrix" not in arrays:
        return SolvedBlock(eigenvalues, rounding)
    shapes = arrays["basis_shapes"]
    members = np.split(arrays["members"], np.cumsum(shapes[:, 0])[:-1])
    vectors = np.split(arrays["vectors"], np.cumsum(shapes.prod(axis=1))[:-1])
    bases = tuple(
        WeightBasis(tuple(weight), own, entries.reshape(shape))
        for weight, own, entries, shape in zip(
            arrays["weights"].tolist(), members, vectors, shapes.tolist(), strict=True
        )
    )
    return SolvedBlock(eigenvalues, rounding, arrays["matrix"], bases)
