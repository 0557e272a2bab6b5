"""Blocks of a spectrum on a Dask cluster: python examples/dask_cluster.py [--length L] [--workers N]

The kernel is evaluated here and sent to the workers once; every block is a task, the largest first. On a cluster of
machines only the client changes, to that of a scheduler which is running already:

    client = Client("tcp://scheduler:8786")   # or Client(SLURMCluster(...)) of dask-jobqueue

The package must be installed on the workers, which share no files with this process: ``cache=DIRECTORY`` of
``block_spectrum`` is written from here. Needs the extra ``dask``: ``pip install '.[dask]'``.
"""

from __future__ import annotations

import argparse
import os
import time

# as workers of Dask: results are the same to the last bit only if BLAS has as many threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import joblib
import numpy as np
from distributed import Client, LocalCluster

from symrep import block_spectrum, kernels, measures
from symrep.spectra.block_results import BlockSpectrum


def solve(length: int) -> tuple[float, BlockSpectrum]:
    """The seconds that a spectrum takes, and the spectrum, by whatever joblib is told to use."""
    attention = (kernels.LinearAttention(normalized=True), kernels.Relu())
    net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), *attention, kernels.MeanPool())
    start = time.perf_counter()
    found = block_spectrum(net, measures.iid_uniform(3), length, method="tables")
    return time.perf_counter() - start, found


def main() -> None:
    """Print the times without and with the cluster, and the largest deviation of an eigenvalue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    alone, expected = solve(options.length)
    cluster = LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), joblib.parallel_config(backend="dask"):
        together, found = solve(options.length)
    deviation = max(np.abs(a.eigenvalues - b.eigenvalues).max() for a, b in zip(expected.blocks, found.blocks))
    print(f"V = 3, L = {options.length}: {len(found.blocks)} blocks, {len(found.levels)} eigenvalues")
    print(f"serial {alone:.2f} s, {options.workers} workers {together:.2f} s, largest deviation {deviation:g}")


if __name__ == "__main__":
    main()
