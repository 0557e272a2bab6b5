"""Time and memory of the character table of S_n, beside GAP and sympy in the same run.

    python benchmarks/bench_characters.py [n ...]

GAP is asked only when ``gap`` is on the PATH, sympy only for n <= 6. A sympy without character tables is timed on the
conjugacy classes that it would start from. A ratio says how many times longer the other system takes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tracemalloc
from time import perf_counter

from rich.console import Console
from rich.table import Table
from sympy.combinatorics import SymmetricGroup

from symrep.combinatorics.partitions import number_of_partitions
# character_table keeps small tables: the undecorated maker is what costs.
from symrep.representations.characters import _make_table

DEFAULT_DEGREES = (6, 10, 15, 20, 25, 30)
LARGEST_FOR_SYMPY = 6
GAP_TIMEOUT_SECONDS = 120
GAP_SCRIPT = """
t := NanosecondsSinceEpoch();;
values := List(Irr(CharacterTable("Symmetric", {n})), ValuesOfClassFunction);;
Print(NanosecondsSinceEpoch() - t, "\\n");
QUIT;
"""


def best_time(action, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def symrep_time_and_memory(n: int) -> tuple[float, int, int]:
    """Seconds, peak bytes (traced in a run of its own) and bytes of the result."""
    seconds = best_time(lambda: _make_table(n), repeats=5 if n <= 20 else 3)
    tracemalloc.start()
    size = _make_table(n).to_numpy().nbytes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak, size


def gap_time(n: int) -> float | None:
    gap = shutil.which("gap")
    if gap is None:
        return None
    command = [gap, "-q", "-b", "-o", "12g"]
    try:
        answer = subprocess.run(
            command, input=GAP_SCRIPT.format(n=n), capture_output=True, text=True, timeout=GAP_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    words = answer.stdout.split()
    return int(words[-1]) / 1e9 if words and words[-1].isdigit() else None


def sympy_time(n: int) -> float | None:
    if n > LARGEST_FOR_SYMPY:
        return None
    try:
        from sympy.combinatorics import CharacterTable
    except ImportError:
        return best_time(lambda: SymmetricGroup(n).conjugacy_classes(), repeats=1)
    return best_time(lambda: CharacterTable.from_perm_group(SymmetricGroup(n)), repeats=1)


def main(degrees: tuple[int, ...]) -> None:
    headings = ("n", "classes", "seconds", "peak MB", "result MB", "peak/result", "GAP s", "GAP ratio", "sympy ratio")
    table = Table(*headings, title="Character table of S_n")
    for n in degrees:
        seconds, peak, size = symrep_time_and_memory(n)
        gap, sympy = gap_time(n), sympy_time(n)
        table.add_row(
            str(n),
            str(number_of_partitions(n)),
            f"{seconds:.4f}",
            f"{peak / 1e6:.2f}",
            f"{size / 1e6:.2f}",
            f"{peak / size:.2f}",
            "-" if gap is None else f"{gap:.3f}",
            "-" if gap is None else f"{gap / seconds:.1f}",
            "-" if sympy is None else f"{sympy / seconds:.0f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or DEFAULT_DEGREES)
