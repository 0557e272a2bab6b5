"""Blocks in parallel, with progress, and kept in files: the same numbers, and nothing solved twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest

from symrep import block_spectrum, kernels, measures
from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.spectra import blocks
from symrep.spectra.dense import all_sequences
from symrep.spectra.kernel_functions import MatchKernel

HEAD = (kernels.TokenEmbedding(1), kernels.Positions(1), kernels.LinearAttention(normalized=True), kernels.Relu())
LAST, QUERY = (kernels.serial(*HEAD, readout) for readout in (kernels.LastToken(), kernels.QueryToken(2, "1/3")))
SKEWED = measures.iid(["6/10", "3/10", "1/10"])
SOLVERS = {"tables": "_solve_table_block", "matches": "_solve_match_block"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "dask_cluster.py"
SHAPES = [(6,), (5, 1), (4, 2), (4, 1, 1), (3, 3), (3, 2, 1), (2, 2, 2)]


def tabled(tables):
    """No function of counts and matches."""
    return np.cos(tables[:, 0, 1] + tables[:, 1, 0]) + 1.0 / (1 + np.trace(tables, axis1=1, axis2=2)) + tables[:, 1, 1]


def matched(counts_x, counts_y, matches):
    return np.cos(counts_x[:, 0] * counts_y[:, 0] + matches)


KERNELS = {"tables": tabled, "matches": MatchKernel(matched)}


def assert_same(found, expected):
    """Eigenvalues, bounds, matrices and eigenfunctions, to the last bit."""
    assert found.shapes == expected.shapes and found.expected_trace == expected.expected_trace
    for own, other in zip(found.blocks, expected.blocks, strict=True):
        assert own.rounding == other.rounding
        np.testing.assert_array_equal(own.eigenvalues, other.eigenvalues)
        np.testing.assert_array_equal(own.matrix, other.matrix)
        np.testing.assert_array_equal(own.space.irreducible.toarray(), other.space.irreducible.toarray())


class Watch:
    """The shapes that solvers were called with; ``stop_at`` interrupts the call of that number."""

    def __init__(self, monkeypatch):
        self.shapes, self.stop_at = [], None
        for name in SOLVERS.values():
            monkeypatch.setattr(blocks, name, self.around(getattr(blocks, name)))

    def around(self, solver):
        def watched(shape, *arguments):
            if self.stop_at is not None and len(self.shapes) + 1 == self.stop_at:
                raise KeyboardInterrupt
            self.shapes.append(shape.parts)
            return solver(shape, *arguments)

        return watched


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


@pytest.mark.parametrize("method", ["tables", "matches"])
@pytest.mark.parametrize("kernel", [None, LAST, QUERY], ids=["mean", "last", "query"])
def test_parallel_blocks_are_those_of_one_job(kernel, method):
    kernel = KERNELS[method] if kernel is None else kernel
    expected = block_spectrum(kernel, SKEWED, 5, method=method)
    with joblib.parallel_config(backend="threading"):
        assert_same(block_spectrum(kernel, SKEWED, 5, method=method, n_jobs=2), expected)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["tables", "matches"])
def test_processes_find_the_same_blocks(method):
    # beyond a megabyte of values, which joblib maps into the memory of its workers; functions are not sent to them
    length = {"tables": 12, "matches": 16}[method]
    problems = [
        (KERNELS[method], length, [(length - 3, 2, 1), (length,), (length // 2, length // 4, length // 4)]),
        (QUERY, 4, None),
    ]
    for kernel, length, shapes in problems:
        one, two = (
            block_spectrum(kernel, SKEWED, length, method=method, n_jobs=jobs, shapes=shapes) for jobs in (1, 2)
        )
        assert_same(two, one)


def test_what_joblib_is_told_counts_unless_jobs_are_given(monkeypatch):
    asked = []

    class Spied(joblib.Parallel):
        def __call__(self, tasks):
            asked.append((self.n_jobs, type(self._backend).__name__))
            return super().__call__(tasks)

    monkeypatch.setattr(joblib, "Parallel", Spied)
    block_spectrum(tabled, SKEWED, 3)
    with joblib.parallel_config(backend="threading", n_jobs=3):
        block_spectrum(tabled, SKEWED, 3)
        block_spectrum(tabled, SKEWED, 3, n_jobs=2)
    assert [jobs for jobs, _ in asked] == [1, 3, 2]
    assert [backend for _, backend in asked[1:]] == ["ThreadingBackend"] * 2


@pytest.mark.parametrize("method", ["tables", "matches"])
def test_costly_blocks_come_first(watch, method):
    block_spectrum(KERNELS[method], SKEWED, 6, method=method)
    sizes = [blocks.multiplicity(blocks.Partition(shape), 3) for shape in watch.shapes]
    assert sizes == sorted(sizes, reverse=True) if method == "matches" else sizes.index(max(sizes)) < 3
    assert sorted(watch.shapes) == sorted(SHAPES)


@pytest.mark.parametrize("method", ["tables", "matches"])
@pytest.mark.parametrize("kernel", [None, QUERY], ids=["mean", "query"])
def test_kept_blocks_are_read_and_not_solved(watch, tmp_path, kernel, method):
    kernel = KERNELS[method] if kernel is None else kernel
    first = block_spectrum(kernel, SKEWED, 4, method=method, cache=tmp_path / "new" / "blocks")
    count = len(watch.shapes)
    files = sorted((tmp_path / "new" / "blocks").iterdir())
    assert count == len(first.blocks) == len(files) and all(len(f.stem) == 64 and f.suffix == ".npz" for f in files)
    again = block_spectrum(kernel, SKEWED, 4, method=method, cache=str(tmp_path / "new" / "blocks"))
    assert len(watch.shapes) == count
    assert_same(again, first)
    assert sorted((tmp_path / "new" / "blocks").iterdir()) == files


def test_kept_blocks_know_what_they_depend_on(watch, tmp_path):
    def run(kernel=KERNELS["matches"], measure=SKEWED, length=4, method="tables", **options):
        before = len(watch.shapes)
        block_spectrum(kernel, measure, length, method=method, cache=tmp_path, **options)
        return len(watch.shapes) - before

    assert run(shapes=[(3, 1), (4,)]) == 2
    assert run() == 2, "only the shapes that are new"
    assert run(KERNELS["matches"], measures.frozen_mixture([1], [["3/5", "3/10", "1/10"]])) == 0, "the same numbers"
    assert run(lambda tables: KERNELS["tables"](tables)) == 4
    assert run(measure=measures.iid(["6/10", "1/10", "3/10"])) == 4
    assert run(length=3) == 3
    assert run(method="matches") == 4
    assert run(LAST) == run(QUERY, length=3) == 3, "as many positions, and other kernels"
    assert run(MatchKernel(lambda x, y, m: np.nextafter(matched(x, y, m), 2))) == 4, "one unit in the last place"


def test_kept_blocks_of_a_query_know_the_probabilities_of_all_tokens(watch, tmp_path):
    """One token is uniform under both measures, two are not independent under the second."""
    for measure in (measures.iid_uniform(2), measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]])):
        block_spectrum(QUERY, measure, 1, cache=tmp_path)
    assert watch.shapes == [(1,), (1,)]


@pytest.mark.parametrize("method", ["tables", "matches"])
def test_an_interrupted_run_goes_on_where_it_stopped(watch, tmp_path, method):
    watch.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        block_spectrum(KERNELS[method], SKEWED, 6, method=method, cache=tmp_path)
    finished = list(watch.shapes)
    assert len(finished) == 2 and len(list(tmp_path.iterdir())) == 2
    watch.stop_at = None
    found = block_spectrum(KERNELS[method], SKEWED, 6, method=method, cache=tmp_path)
    assert sorted(watch.shapes) == sorted(SHAPES), "every shape solved once"
    assert_same(found, block_spectrum(KERNELS[method], SKEWED, 6, method=method))


def test_damaged_and_foreign_files_are_replaced(watch, tmp_path):
    def run():
        watch.shapes.clear()
        return block_spectrum(tabled, SKEWED, 4, cache=tmp_path)

    first = run()
    files = sorted(tmp_path.iterdir())
    contents = [file.read_bytes() for file in files]
    other = np.frombuffer(contents[1], np.uint8).copy()
    other[len(other) // 2] ^= 1
    files[0].write_bytes(contents[0][:-40])
    files[1].write_bytes(other.tobytes())
    files[2].write_bytes(contents[3])
    np.savez(files[3], np.array([{"a": 1}]))
    (tmp_path / "notes.txt").write_text("mine")
    assert_same(run(), first)
    assert len(watch.shapes) == 4
    run()
    assert not watch.shapes
    assert sorted(tmp_path.iterdir()) == sorted([*files, tmp_path / "notes.txt"])
    files[0].write_bytes(b"")
    run()
    assert len(watch.shapes) == 1


def test_a_file_under_the_name_of_another_problem_is_foreign(watch, tmp_path):
    expected = block_spectrum(tabled, SKEWED, 4, shapes=[(4,)], cache=tmp_path)
    (file,) = tmp_path.iterdir()
    block_spectrum(KERNELS["matches"], SKEWED, 4, shapes=[(4,)], method="tables", cache=tmp_path / "other")
    shutil.copy(next((tmp_path / "other").iterdir()), file)
    assert_same(block_spectrum(tabled, SKEWED, 4, shapes=[(4,)], cache=tmp_path), expected)


def test_eigenvalues_of_another_size_are_foreign(watch, tmp_path):
    block_spectrum(tabled, SKEWED, 4, shapes=[(4,)], cache=tmp_path)
    (file,) = tmp_path.iterdir()
    with np.load(file) as arrays:
        np.savez(file, **{**arrays, "eigenvalues": arrays["eigenvalues"][:-1]})
    block_spectrum(tabled, SKEWED, 4, shapes=[(4,)], cache=tmp_path)
    assert len(watch.shapes) == 2


def test_a_kept_matrix_comes_with_its_own_basis(tmp_path):
    """Another machine may find another basis of a degenerate eigenspace: here the first vector has the other sign."""
    first = block_spectrum(tabled, SKEWED, 4, shapes=[(3, 1)], cache=tmp_path).blocks[0]
    (file,) = tmp_path.iterdir()
    with np.load(file) as found:
        arrays = dict(found)
    arrays["vectors"][: arrays["basis_shapes"][0, 0] * arrays["basis_shapes"][0, 1]] *= -1
    turned = slice(0, arrays["basis_shapes"][0, 1])
    arrays["matrix"][turned] *= -1
    arrays["matrix"][:, turned] *= -1
    np.savez(file, **arrays)
    again = block_spectrum(tabled, SKEWED, 4, shapes=[(3, 1)], cache=tmp_path).blocks[0]
    assert not np.array_equal(again.matrix, first.matrix)
    ours, expected = (block.eigenfunction(0)(all_sequences(3, 4)) for block in (again, first))
    np.testing.assert_allclose(ours * np.sign(ours @ expected), expected, atol=1e-12)


def test_nothing_is_written_without_a_directory(watch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    watch.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        block_spectrum(tabled, SKEWED, 6, n_jobs=1)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_no_part(tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InvalidArgumentError, match="cache must be .* got .*: No space left on device"):
        block_spectrum(tabled, SKEWED, 4, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_progress_goes_to_stderr_and_only_when_asked(capsys, tmp_path):
    block_spectrum(tabled, SKEWED, 4, n_jobs=1, cache=tmp_path, shapes=[(4,)])
    assert capsys.readouterr() == ("", "")
    block_spectrum(tabled, SKEWED, 4, progress=True, cache=tmp_path)
    out, err = capsys.readouterr()
    assert not out and "1/4 blocks" in err and "4/4 blocks: 100%" in err
    block_spectrum(tabled, SKEWED, 4, progress=True, cache=tmp_path)
    assert "4/4 blocks: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_jobs": 0}, InvalidArgumentError, "n_jobs must be positive, or negative .*, got 0"),
        ({"n_jobs": "2"}, InvalidTypeError, "n_jobs must be an integer, got '2'"),
        ({"n_jobs": 2.0}, InvalidTypeError, "n_jobs must be an integer"),
        ({"n_jobs": True}, InvalidTypeError, "n_jobs must be an integer, got True"),
        ({"progress": 1}, InvalidTypeError, "progress must be True or False, got 1"),
        ({"cache": 3}, InvalidTypeError, "cache must be the path of a directory, got 3"),
        ({"cache": b"blocks"}, InvalidTypeError, "cache must be the path of a directory, got b'blocks'"),
        ({"cache": ""}, InvalidTypeError, "cache must be the path of a directory, got ''"),
        ({"cache": EXAMPLE}, InvalidArgumentError, "cache must be a directory that files can be written into, got "),
        ({"cache": EXAMPLE / "blocks"}, InvalidArgumentError, "cache must be a directory .*: Not a directory"),
        ({"cache": "a\0b"}, InvalidArgumentError, "cache must be a directory .*: embedded null byte"),
    ],
)
def test_bad_options_are_refused_before_the_kernel_is_evaluated(options, error, message):
    def kernel(tables):
        pytest.fail("evaluated")

    with pytest.raises(error, match=message):
        block_spectrum(kernel, SKEWED, 4, **options)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal of Control-C")
@pytest.mark.parametrize("jobs", [1, 2])
def test_control_c_keeps_finished_blocks(tmp_path, jobs):
    code = (
        "from symrep import block_spectrum, measures\n"
        "kernel = lambda N: 1.0 / (1 + N[:, 0, 1] + N[:, 1, 0])\n"
        f"block_spectrum(kernel, measures.iid_uniform(3), 14, n_jobs={jobs}, cache={str(tmp_path)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.npz"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0 and "KeyboardInterrupt" in stderr
    assert 2 <= len(list(tmp_path.glob("*.npz"))) < 24, "of 24 shapes"
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.slow
def test_a_dask_cluster_finds_the_same_blocks(tmp_path):
    pytest.importorskip("distributed")
    script = shutil.copy(EXAMPLE, tmp_path)
    done = subprocess.run([sys.executable, script, "--length", "8"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "10 blocks, 294 eigenvalues" in done.stdout and "largest deviation 0\n" in done.stdout
